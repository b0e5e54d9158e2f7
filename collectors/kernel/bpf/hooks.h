/*
 * What a process that loads models seldom has need of. Where the kernel lets programs run at its security hooks, or at the
 * functions that lead there, only those who come by pay; at the entry of a system call all processes pay for all calls.
 */

#define MODE_ATTACH 2
#define MODE_BY_FILE 8
#define READING_MODULE 2
#define TRACEME 0
#define ATTACH 16
#define SEIZE 0x4206

static __always_inline struct watch *watch_of_me(__u32 *tgid, __u32 *tid) {
  __u64 id = bpf_get_current_pid_tgid();
  *tgid = id >> 32;
  *tid = id;
  return bpf_map_lookup_elem(&watched, tgid);
}

static __always_inline void tell_protected(__u32 protection, __u32 mapped, __u64 flags, __u64 from, __u64 bytes, struct file *file) {
  __u32 tgid, tid;
  struct watch *watch = watch_of_me(&tgid, &tid);
  if (!watch) return;
  struct protected_record *record = RESERVE(bulk_ring, protected, PROTECTED, 0);
  if (!record) { lose(PROTECTED); return; }
  fill(&record->head, tgid, tid, watch);
  record->protection = protection;
  record->mapped = mapped;
  record->flags = flags;
  record->from = from;
  record->bytes = bytes;
  record->inode = file ? BPF_CORE_READ(file, f_inode, i_ino) : 0;
  record->links = file ? BPF_CORE_READ(file, f_inode, i_nlink) : 0;
  record->device = file ? BPF_CORE_READ(file, f_inode, i_sb, s_dev) : 0;
  bpf_ringbuf_submit(record, 0);
}

static __always_inline void tell_traced(__u32 means, __u32 target, __u64 start) {
  __u32 tgid, tid;
  struct watch *watch = watch_of_me(&tgid, &tid);
  if (!watch || (target == tgid && means != MEANS_TRACEME)) return;
  struct traced_record *record = RESERVE(bulk_ring, traced, TRACED, 0);
  if (!record) { lose(TRACED); return; }
  fill(&record->head, tgid, tid, watch);
  record->means = means;
  record->target = target;
  record->targetStart = start;
  bpf_ringbuf_submit(record, 0);
}

/* `name`: of the kernel's memory, or of the caller's when `isUsers`; 0 for none. */
static __always_inline void tell_use(__u32 what, __u32 number, __u64 flags, const void *name, bool isUsers) {
  __u32 tgid, tid;
  struct watch *watch = watch_of_me(&tgid, &tid);
  if (!watch) return;
  struct used_record *record = RESERVE(bulk_ring, used, USED, USED_TEXT0);
  if (!record) { lose(USED); return; }
  fill(&record->head, tgid, tid, watch);
  record->what = what;
  record->number = number;
  record->flags = flags;
  record->text[0] = 0;
  if (name && isUsers) bpf_probe_read_user_str(record->text, USED_TEXT0, name);
  else if (name) bpf_probe_read_kernel_str(record->text, USED_TEXT0, name);
  bpf_ringbuf_submit(record, 0);
}

/* Events of the kernel that cost nobody anything else. */
SEC("tp_btf/io_uring_create") int io_uring_created(__u64 *ctx) { tell_use(USE_IO_URING, ctx[2], ctx[4], 0, false); return 0; }
SEC("tp_btf/module_load") int module_loaded(__u64 *ctx) {
  struct module *module = (void *)ctx[0];
  tell_use(USE_MODULE, 0, 0, __builtin_preserve_access_index(&module->name), false);
  return 0;
}

/* The kernel asks for some of them at every turn, whoever it is; these it asks for when something is done that needs them. */
#define BIT(cap) (1ULL << (cap))
#define TELLING (BIT(16) | BIT(17) | BIT(18) | BIT(19) | BIT(22) | BIT(27) | BIT(32) | BIT(33) | BIT(38) | BIT(39) | BIT(40))
static __always_inline void tell_capability(__u32 cap, __s32 refusal) {
  __u32 tgid, tid;
  if (cap > 63 || !(TELLING & BIT(cap))) return;
  struct watch *watch = watch_of_me(&tgid, &tid);
  if (!watch || watch->usedCaps & BIT(cap)) return;
  watch->usedCaps |= BIT(cap);
  tell_use(USE_CAPABILITY, cap, refusal == 0, 0, false);
}
SEC("tp_btf/cap_capable") int capability_used(__u64 *ctx) { tell_capability(ctx[3], ctx[4]); return 0; }
/* Before the kernel had that event. */
SEC(TRAMPOLINE("fexit/cap_capable")) int fexit_capable(__u64 *ctx) { tell_capability(ctx[2], ctx[4]); return 0; }

/*
 * One body, two ways to it. A program at a security hook is not run when one before it has refused, so that 0 never
 * overrules anybody.
 */
#define HOOK(name, hook) \
  SEC(TRAMPOLINE("lsm/" hook)) int lsm_##name(__u64 *ctx) { at_##name(ctx); return 0; } \
  SEC(TRAMPOLINE("fentry/security_" hook)) int fentry_##name(__u64 *ctx) { at_##name(ctx); return 0; }
#define FUNCTION(name, function) SEC(TRAMPOLINE("fentry/" function)) int fentry_##name(__u64 *ctx) { at_##name(ctx); return 0; }

static __always_inline void at_mprotect(__u64 *ctx) {
  struct vm_area_struct *area = (void *)ctx[0];
  __u32 protection = ctx[1];
  if (!(protection & PROT_EXEC)) return;
  __u64 flags = BPF_CORE_READ(area, vm_flags), from = BPF_CORE_READ(area, vm_start);
  if (flags & VM_EXEC && !(protection & PROT_WRITE)) return;
  tell_protected(protection, 0, flags, from, BPF_CORE_READ(area, vm_end) - from, BPF_CORE_READ(area, vm_file));
}
HOOK(mprotect, "file_mprotect")

/* A library as it is mapped by ld.so is not told, but MXNet's own begins a tree. */
static __always_inline void at_mmap(__u64 *ctx) {
  struct file *file = (void *)ctx[0];
  __u32 protection = ctx[1], tgid = bpf_get_current_pid_tgid() >> 32;
  if (!(protection & PROT_EXEC)) return;
  if (file) {
    struct file_key key = { .inode = BPF_CORE_READ(file, f_inode, i_ino), .device = BPF_CORE_READ(file, f_inode, i_sb, s_dev) };
    if (bpf_map_lookup_elem(&libraries, &key)) begin_tree(me(), tgid);
    if (!(protection & PROT_WRITE) && BPF_CORE_READ(file, f_inode, i_nlink) > 0) return;
  }
  tell_protected(protection, 1, 0, 0, 0, file);
}
HOOK(mmap, "mmap_file")

static __always_inline void at_ptrace(__u64 *ctx) {
  struct task_struct *target = (void *)ctx[0];
  __u32 mode = ctx[1];
  if (!(mode & MODE_ATTACH)) return;
  tell_traced(mode & MODE_BY_FILE ? MEANS_FILE : MEANS_ATTACH, BPF_CORE_READ(target, tgid), start_of(target));
}
HOOK(ptrace, "ptrace_access_check")

static __always_inline void at_traceme(__u64 *ctx) {
  struct task_struct *parent = (void *)ctx[0];
  tell_traced(MEANS_TRACEME, BPF_CORE_READ(parent, tgid), start_of(parent));
}
HOOK(traceme, "ptrace_traceme")

static __always_inline void at_mount(__u64 *ctx) { tell_use(USE_MOUNT, 0, ctx[3], (void *)ctx[2], false); }
HOOK(mount, "sb_mount")
static __always_inline void at_move_mount(__u64 *ctx) { tell_use(USE_MOUNT, 1, 0, 0, false); }
HOOK(move_mount, "move_mount")
static __always_inline void at_module_file(__u64 *ctx) { if ((__u32)ctx[1] == READING_MODULE) tell_use(USE_MODULE, 0, 0, 0, false); }
HOOK(module_file, "kernel_read_file")
static __always_inline void at_module_data(__u64 *ctx) { if ((__u32)ctx[0] == READING_MODULE) tell_use(USE_MODULE, 0, 0, 0, false); }
HOOK(module_data, "kernel_load_data")
static __always_inline void at_bpf(__u64 *ctx) { tell_use(USE_BPF, ctx[0], 0, 0, false); }
HOOK(bpf, "bpf")
static __always_inline void at_perf(__u64 *ctx) { tell_use(USE_PERF, 0, 0, 0, false); }
HOOK(perf, "perf_event_open")

static __always_inline void at_memfd(__u64 *ctx) {
  struct pt_regs registers = {};
  bpf_probe_read_kernel(&registers, sizeof registers, (void *)ctx[0]);
  tell_use(USE_MEMFD, 0, SECOND(&registers), (void *)FIRST(&registers), true);
}
#if defined(__TARGET_ARCH_x86)
FUNCTION(memfd, "__x64_sys_memfd_create")
#else
FUNCTION(memfd, "__arm64_sys_memfd_create")
#endif

#define SYSCALL(call) SEC("tracepoint/syscalls/sys_enter_" #call) int sys_##call(struct syscall_entry *ctx)
#define ARGUMENT(number) (ctx->arguments[number])

SYSCALL(mprotect) { if (ARGUMENT(2) & PROT_EXEC) tell_protected(ARGUMENT(2), 2, 0, ARGUMENT(0), ARGUMENT(1), 0); return 0; }
SYSCALL(pkey_mprotect) { if (ARGUMENT(2) & PROT_EXEC) tell_protected(ARGUMENT(2), 2, 0, ARGUMENT(0), ARGUMENT(1), 0); return 0; }
/* Of a mapping only what has no file: that of a library looks the same here as that of any file. */
SYSCALL(mmap) { if (ARGUMENT(2) & PROT_EXEC && (__s32)ARGUMENT(4) < 0) tell_protected(ARGUMENT(2), 1, 0, 0, ARGUMENT(1), 0); return 0; }
SYSCALL(ptrace) {
  long request = ARGUMENT(0);
  if (request == TRACEME) tell_traced(MEANS_TRACEME, 0, 0);
  else if (request == ATTACH || request == SEIZE) tell_traced(MEANS_ATTACH, ARGUMENT(1), 0);
  return 0;
}
SYSCALL(process_vm_readv) { tell_traced(MEANS_READ, ARGUMENT(0), 0); return 0; }
SYSCALL(process_vm_writev) { tell_traced(MEANS_WRITE, ARGUMENT(0), 0); return 0; }
SYSCALL(mount) { tell_use(USE_MOUNT, 0, ARGUMENT(3), (void *)ARGUMENT(2), true); return 0; }
SYSCALL(move_mount) { tell_use(USE_MOUNT, 1, 0, 0, false); return 0; }
SYSCALL(init_module) { tell_use(USE_MODULE, 0, 0, 0, false); return 0; }
SYSCALL(finit_module) { tell_use(USE_MODULE, 0, 0, 0, false); return 0; }
SYSCALL(bpf) { tell_use(USE_BPF, ARGUMENT(0), 0, 0, false); return 0; }
SYSCALL(perf_event_open) { tell_use(USE_PERF, 0, 0, 0, false); return 0; }
SYSCALL(memfd_create) { tell_use(USE_MEMFD, 0, ARGUMENT(1), (void *)ARGUMENT(0), true); return 0; }
