/*
 * Of the kernel's own types, only what our programs read; where each field is, is found when they are loaded
 * (CO-RE). Stable interfaces (bpf_sock_addr, the registers of user space, syscall tracepoints) are at fixed places.
 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;

enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_LRU_HASH = 9, BPF_MAP_TYPE_RINGBUF = 27 };
enum { BPF_RB_AVAIL_DATA = 0, BPF_RB_RING_SIZE = 1 };
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { false = 0, true = 1 };
typedef _Bool bool;

#define KERNEL __attribute__((preserve_access_index))

struct super_block { __u32 s_dev; } KERNEL;
struct timespec64 { __s64 tv_sec; long tv_nsec; } KERNEL;
struct inode { unsigned long i_ino; unsigned int i_nlink; __s64 i_size; struct super_block *i_sb; struct timespec64 i_mtime, i_ctime; } KERNEL;
/* 6.6 renamed the change time, 6.7 the other too; 6.11 took them apart. */
struct inode___66 { struct timespec64 __i_ctime; } KERNEL;
struct inode___67 { struct timespec64 __i_mtime; } KERNEL;
struct inode___611 { __s64 i_mtime_sec, i_ctime_sec; __u32 i_mtime_nsec, i_ctime_nsec; } KERNEL;
struct file { struct inode *f_inode; } KERNEL;
struct linux_binprm { struct file *file; const char *filename, *interp; } KERNEL;
struct mm_struct { unsigned long arg_start, arg_end; } KERNEL;
struct vm_area_struct { unsigned long vm_start, vm_end, vm_flags; struct file *vm_file; } KERNEL;

struct kuid { __u32 val; } KERNEL;
struct kernel_cap { __u32 unused; } KERNEL;
struct user_namespace;
struct cred { struct kuid euid; struct kernel_cap cap_effective; struct user_namespace *user_ns; } KERNEL;
struct pid_namespace; struct mnt_namespace; struct net; struct uts_namespace; struct ipc_namespace;
struct nsproxy {
  struct mnt_namespace *mnt_ns; struct net *net_ns; struct pid_namespace *pid_ns_for_children; struct uts_namespace *uts_ns; struct ipc_namespace *ipc_ns;
} KERNEL;
struct atomic { int counter; } KERNEL;
struct signal_struct { struct atomic live; unsigned int flags; int group_exit_code; } KERNEL;
struct task_struct {
  int pid, tgid, exit_code;
  struct task_struct *real_parent, *group_leader;
  struct signal_struct *signal;
  struct mm_struct *mm;
  const struct cred *cred;
  struct nsproxy *nsproxy;
  __u64 start_boottime;
} KERNEL;

struct sighand { void *sa_handler; } KERNEL;
struct k_sigaction { struct sighand sa; } KERNEL;
struct kernel_siginfo { int si_code; } KERNEL;

struct in6_addr { __u8 bytes[16]; };
struct sock_common { __u16 skc_family, skc_num, skc_dport; __u32 skc_daddr, skc_rcv_saddr; struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr; } KERNEL;
struct sock { struct sock_common __sk_common; __u16 sk_protocol; } KERNEL;
struct socket { struct sock *sk; } KERNEL;

struct module { char name[56]; } KERNEL;
struct bpf_sock_addr { __u32 user_family, user_ip4, user_ip6[4], user_port, family, type, protocol; };
struct syscall_entry { __u64 common; long number; unsigned long arguments[6]; };

#if defined(__TARGET_ARCH_x86)
struct pt_regs { unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss; };
#define FIRST(ctx) ((ctx)->di)
#define SECOND(ctx) ((ctx)->si)
#define THIRD(ctx) ((ctx)->dx)
#define RESULT(ctx) ((ctx)->ax)
#define PLACE(ctx) ((ctx)->ip)
/* The stack pointer at the entry of the function that returns: here the return address has been taken off since. */
#define ENTRY_STACK(ctx) ((ctx)->sp - 8)
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs { unsigned long regs[31], sp, pc, pstate; };
#define FIRST(ctx) ((ctx)->regs[0])
#define SECOND(ctx) ((ctx)->regs[1])
#define THIRD(ctx) ((ctx)->regs[2])
#define RESULT(ctx) ((ctx)->regs[0])
#define PLACE(ctx) ((ctx)->pc)
#define ENTRY_STACK(ctx) ((ctx)->sp)
#endif
