/*
 * The programs that run in the kernel: they state what watched processes do, and judge nothing. Each is tried on its own
 * by the loader, so each stands for itself; what does not load on a kernel is told by its name.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "records.h"

/* The kernel asks for it; the rest of mxwarden is under Apache-2.0. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PROT_WRITE 2
#define PROT_EXEC 4
#define VM_EXEC 4
#define GROUP_EXIT 4
#define AF_INET 2
#define AF_INET6 10
#define TCP 6
#define MPTCP 262
#define UDP 17
#define AGAIN_NS 10000000000ULL

struct traffic { __u64 sent, received; };
struct partner { __u32 tgid, port; __u8 address[16]; };
/* How many probed functions a thread is in; the last name that was not in memory, and the call that it belongs to. */
struct calls { __u32 depth, probe; __u64 name, sp; };
struct file_key { __u64 inode, device; };

struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 22); } main_ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20); } bulk_ring SEC(".maps");
/* By process id. */
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16384); __type(key, __u32); __type(value, struct watch); } watched SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16384); __type(key, __u32); __type(value, struct traffic); } moved SEC(".maps");
/* By thread id. */
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 8192); __type(key, __u32); __type(value, struct calls); } calling SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 8192); __type(key, struct partner); __type(value, __u64); } partners SEC(".maps");
/* Files that hold MXNet: who maps one has it. */
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 256); __type(key, struct file_key); __type(value, __u32); } libraries SEC(".maps");
/* Records that found no room, by type; 0: processes that found none in `watched`. */
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, TYPES); __type(key, __u32); __type(value, __u64); } lost SEC(".maps");
/* Bits of SETTING_*. */
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } settings SEC(".maps");

static __always_inline void lose(__u32 type) {
  __u64 *count = bpf_map_lookup_elem(&lost, &type);
  if (count) __sync_fetch_and_add(count, 1);
}

/* `text`: bytes after the fields. */
#define RESERVE(ring, kind, TYPE, textBytes) ({ \
  struct kind##_record *made = bpf_ringbuf_reserve(&ring, sizeof(struct kind##_record) + (textBytes), 0); \
  if (made) { made->head.length = sizeof(struct kind##_record) + (textBytes); made->head.type = TYPE; } \
  made; })

/* What one process can make without end leaves the last quarter of the ring to programs that start and processes that end. */
static __always_inline bool is_crowded(void) {
  return bpf_ringbuf_query(&main_ring, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(&main_ring, BPF_RB_RING_SIZE) / 4 * 3;
}
#define RESERVE_YIELDING(kind, TYPE, textBytes) (is_crowded() ? (struct kind##_record *)0 : RESERVE(main_ring, kind, TYPE, textBytes))

static __always_inline struct task_struct *me(void) { return (struct task_struct *)bpf_get_current_task(); }
static __always_inline __u64 start_of(struct task_struct *task) { return BPF_CORE_READ(task, group_leader, start_boottime); }

static __always_inline void fill(struct head *head, __u32 tgid, __u32 tid, const struct watch *watch) {
  head->tgid = tgid;
  head->tid = tid;
  head->root = watch->root;
  head->parent = watch->parent;
  head->unused = 0;
  head->at = bpf_ktime_get_ns();
  head->start = watch->start;
  head->rootStart = watch->rootStart;
  head->parentStart = watch->parentStart;
}

/* A number of which another process has made use since is not watched any more. */
static __always_inline struct watch *watch_of(struct task_struct *task, __u32 tgid) {
  struct watch *watch = bpf_map_lookup_elem(&watched, &tgid);
  if (!watch) return 0;
  __u64 start = start_of(task);
  if (watch->start / TICK_NS != start / TICK_NS) { bpf_map_delete_elem(&watched, &tgid); return 0; }
  watch->start = start;
  return watch;
}

static __always_inline void note_identity(struct task_struct *task, struct watch *watch) {
  const struct cred *cred = BPF_CORE_READ(task, cred);
  struct nsproxy *namespaces = BPF_CORE_READ(task, nsproxy);
  __u64 caps = 0;
  bpf_probe_read_kernel(&caps, sizeof caps, __builtin_preserve_access_index(&cred->cap_effective));
  watch->caps = caps;
  watch->uid = BPF_CORE_READ(cred, euid.val);
  watch->userNs = (__u64)BPF_CORE_READ(cred, user_ns);
  watch->mountNs = (__u64)BPF_CORE_READ(namespaces, mnt_ns);
  watch->networkNs = (__u64)BPF_CORE_READ(namespaces, net_ns);
  watch->pidNs = (__u64)BPF_CORE_READ(namespaces, pid_ns_for_children);
  watch->utsNs = (__u64)BPF_CORE_READ(namespaces, uts_ns);
  watch->ipcNs = (__u64)BPF_CORE_READ(namespaces, ipc_ns);
  watch->flags |= WATCH_SETTLED;
}

static __always_inline void tell_credentials(__u32 tgid, __u32 tid, const struct watch *before, const struct watch *after) {
  struct credentials_record *record = RESERVE(main_ring, credentials, CREDENTIALS, 0);
  if (!record) { lose(CREDENTIALS); return; }
  fill(&record->head, tgid, tid, before);
  record->uidBefore = before->uid;
  record->uidAfter = after->uid;
  record->capsBefore = before->caps;
  record->capsAfter = after->caps;
  bpf_ringbuf_submit(record, 0);
}

/* Only these: another thread may make a tree of the process at the same time. */
static __always_inline void keep_identity(struct watch *watch, const struct watch *now) {
  watch->caps = now->caps;
  watch->uid = now->uid;
  watch->userNs = now->userNs;
  watch->mountNs = now->mountNs;
  watch->networkNs = now->networkNs;
  watch->pidNs = now->pidNs;
  watch->utsNs = now->utsNs;
  watch->ipcNs = now->ipcNs;
  watch->flags |= WATCH_SETTLED;
}

/* No hook is needed to see these: whatever the process does next shows them. A task that is ending has no namespaces any more. */
static __noinline int note_changes(__u32 tgid, __u32 tid) {
  struct task_struct *task = me();
  struct watch *watch = bpf_map_lookup_elem(&watched, &tgid);
  if (!watch || !BPF_CORE_READ(task, nsproxy)) return 0;
  struct watch now = *watch;
  note_identity(task, &now);
  if (!(watch->flags & WATCH_SETTLED)) { keep_identity(watch, &now); return 0; }
  __u32 changed = (now.mountNs != watch->mountNs ? NAMESPACE_MOUNT : 0) | (now.networkNs != watch->networkNs ? NAMESPACE_NETWORK : 0) |
    (now.pidNs != watch->pidNs ? NAMESPACE_PID : 0) | (now.userNs != watch->userNs ? NAMESPACE_USER : 0) |
    (now.utsNs != watch->utsNs ? NAMESPACE_UTS : 0) | (now.ipcNs != watch->ipcNs ? NAMESPACE_IPC : 0);
  if (now.uid != watch->uid || now.caps != watch->caps) tell_credentials(tgid, tid, watch, &now);
  if (changed) {
    struct namespaces_record *record = RESERVE(main_ring, namespaces, NAMESPACES, 0);
    if (!record) lose(NAMESPACES);
    else {
      fill(&record->head, tgid, tid, watch);
      record->changed = changed;
      record->spare = 0;
      bpf_ringbuf_submit(record, 0);
    }
  }
  keep_identity(watch, &now);
  return 0;
}

/* It has MXNet itself: a tree begins with it. */
static __always_inline bool begin_tree(struct task_struct *task, __u32 tgid) {
  struct watch *known = watch_of(task, tgid);
  if (known && known->root == tgid) return false;
  if (known) { known->root = tgid; known->rootStart = known->start; return true; }
  struct watch watch = {};
  watch.root = tgid;
  watch.start = watch.rootStart = start_of(task);
  watch.parent = BPF_CORE_READ(task, group_leader, real_parent, tgid);
  watch.parentStart = BPF_CORE_READ(task, group_leader, real_parent, group_leader, start_boottime);
  note_identity(task, &watch);
  if (bpf_map_update_elem(&watched, &tgid, &watch, BPF_ANY)) lose(0);
  return true;
}

SEC("tp_btf/sched_process_fork")
int process_forked(__u64 *ctx) {
  struct task_struct *maker = (void *)ctx[0], *child = (void *)ctx[1];
  __u32 tgid = BPF_CORE_READ(child, tgid), maker_tgid = BPF_CORE_READ(maker, tgid);
  if (tgid == maker_tgid) return 0;
  struct watch *above = watch_of(maker, maker_tgid);
  if (!above) return 0;
  note_changes(maker_tgid, BPF_CORE_READ(maker, pid));
  struct watch watch = *above;
  watch.start = start_of(child);
  watch.parent = BPF_CORE_READ(child, real_parent, tgid);
  watch.parentStart = BPF_CORE_READ(child, real_parent, group_leader, start_boottime);
  watch.usedCaps = 0;
  watch.flags &= ~WATCH_SETTLED; /* A new namespace of the child's own is not yet looked at. */
  if (bpf_map_update_elem(&watched, &tgid, &watch, BPF_ANY)) lose(0);
  struct forked_record *record = RESERVE_YIELDING(forked, FORKED, 0);
  if (!record) { lose(FORKED); return 0; }
  fill(&record->head, tgid, tgid, &watch);
  record->maker = maker_tgid;
  record->spare = 0;
  bpf_ringbuf_submit(record, 0);
  return 0;
}

#define NS(seconds, rest) ((__s64)(seconds) * 1000000000LL + (__s64)(rest))

static __always_inline __s64 changed_at(struct inode *inode) {
  struct inode___611 *new = (void *)inode;
  struct inode___66 *middle = (void *)inode;
  if (bpf_core_field_exists(new->i_ctime_sec)) return NS(BPF_CORE_READ(new, i_ctime_sec), BPF_CORE_READ(new, i_ctime_nsec));
  if (bpf_core_field_exists(middle->__i_ctime)) return NS(BPF_CORE_READ(middle, __i_ctime.tv_sec), BPF_CORE_READ(middle, __i_ctime.tv_nsec));
  return NS(BPF_CORE_READ(inode, i_ctime.tv_sec), BPF_CORE_READ(inode, i_ctime.tv_nsec));
}

static __always_inline __s64 written_at(struct inode *inode) {
  struct inode___611 *new = (void *)inode;
  struct inode___67 *middle = (void *)inode;
  if (bpf_core_field_exists(new->i_mtime_sec)) return NS(BPF_CORE_READ(new, i_mtime_sec), BPF_CORE_READ(new, i_mtime_nsec));
  if (bpf_core_field_exists(middle->__i_mtime)) return NS(BPF_CORE_READ(middle, __i_mtime.tv_sec), BPF_CORE_READ(middle, __i_mtime.tv_nsec));
  return NS(BPF_CORE_READ(inode, i_mtime.tv_sec), BPF_CORE_READ(inode, i_mtime.tv_nsec));
}

/* `nameRoom` and `argumentRoom` are constants: together the text of the record. */
static __always_inline bool describe(struct executed_record *record, struct linux_binprm *program, struct mm_struct *memory, __u32 nameRoom, __u32 argumentRoom) {
  struct inode *inode = BPF_CORE_READ(program, file, f_inode);
  record->isScript = BPF_CORE_READ(program, filename) != BPF_CORE_READ(program, interp);
  record->links = BPF_CORE_READ(inode, i_nlink);
  record->device = BPF_CORE_READ(inode, i_sb, s_dev);
  record->inode = BPF_CORE_READ(inode, i_ino);
  record->size = BPF_CORE_READ(inode, i_size);
  record->mtimeNs = written_at(inode);
  record->ctimeNs = changed_at(inode);
  record->argumentsAt = nameRoom;
  unsigned long from = BPF_CORE_READ(memory, arg_start);
  __u32 total = BPF_CORE_READ(memory, arg_end) - from, length = total;
  /* Else the compiler compares `total` and passes on `length`, and Linux 6.1 does not know that the two are one. */
  asm volatile("" : "+r"(length));
  if (length > argumentRoom) length = argumentRoom;
  record->argumentTotal = total;
  record->nameBytes = bpf_probe_read_kernel_str(record->text, nameRoom, BPF_CORE_READ(program, filename));
  long failed = bpf_probe_read_user(record->text + nameRoom, length, (void *)from);
  record->argumentBytes = failed ? failed : (long)length;
  return record->nameBytes < (__s32)nameRoom && total <= argumentRoom;
}

SEC("tp_btf/sched_process_exec")
int process_executed(__u64 *ctx) {
  struct task_struct *task = (void *)ctx[0];
  struct linux_binprm *program = (void *)ctx[2];
  __u32 tgid = BPF_CORE_READ(task, tgid), old = ctx[1];
  struct watch *watch = watch_of(task, tgid);
  if (!watch) return 0;
  bpf_map_delete_elem(&calling, &old);
  struct mm_struct *memory = BPF_CORE_READ(task, mm);
  struct executed_record *record = RESERVE(main_ring, executed, EXECUTED, EXECUTED_TEXT0);
  if (!record) { lose(EXECUTED); return 0; }
  fill(&record->head, tgid, tgid, watch);
  record->euid = BPF_CORE_READ(task, cred, euid.val);
  if (describe(record, program, memory, 256, EXECUTED_TEXT0 - 256)) { bpf_ringbuf_submit(record, 0); goto told; }
  struct executed_record *large = RESERVE(main_ring, executed, EXECUTED, EXECUTED_TEXT1);
  /* Without room for the whole, the beginning is told. */
  if (!large) { bpf_ringbuf_submit(record, 0); goto told; }
  fill(&large->head, tgid, tgid, watch);
  large->euid = record->euid;
  describe(large, program, memory, 4096, EXECUTED_TEXT1 - 4096);
  bpf_ringbuf_submit(large, 0);
  bpf_ringbuf_discard(record, 0);
told:
  note_changes(tgid, tgid);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int process_exited(__u64 *ctx) {
  struct task_struct *task = (void *)ctx[0];
  __u32 tgid = BPF_CORE_READ(task, tgid), tid = BPF_CORE_READ(task, pid);
  struct watch *watch = watch_of(task, tgid);
  if (!watch) return 0;
  bool wasCalling = !bpf_map_delete_elem(&calling, &tid);
  if (BPF_CORE_READ(task, signal, live.counter) != 0) {
    if (!wasCalling) return 0;
    struct threadEnded_record *thread = RESERVE_YIELDING(threadEnded, THREADENDED, 0);
    if (!thread) { lose(THREADENDED); return 0; }
    fill(&thread->head, tgid, tid, watch);
    bpf_ringbuf_submit(thread, 0);
    return 0;
  }
  note_changes(tgid, tid);
  struct watch last = *watch;
  /* Two threads may both see that they are the last: one of them takes it off the map. */
  if (bpf_map_delete_elem(&watched, &tgid)) return 0;
  struct traffic *traffic = bpf_map_lookup_elem(&moved, &tgid);
  struct exited_record *record = RESERVE(main_ring, exited, EXITED, 0);
  if (record) {
    fill(&record->head, tgid, tid, &last);
    bool together = BPF_CORE_READ(task, signal, flags) & GROUP_EXIT;
    record->status = together ? BPF_CORE_READ(task, signal, group_exit_code) : BPF_CORE_READ(task, group_leader, exit_code);
    record->spare = 0;
    record->sent = traffic ? traffic->sent : 0;
    record->received = traffic ? traffic->received : 0;
    bpf_ringbuf_submit(record, 0);
  } else lose(EXITED);
  bpf_map_delete_elem(&moved, &tgid);
  return 0;
}

SEC("tp_btf/signal_deliver")
int signal_delivered(__u64 *ctx) {
  __u64 id = bpf_get_current_pid_tgid();
  __u32 tgid = id >> 32, tid = id;
  if (!bpf_map_lookup_elem(&calling, &tid)) return 0;
  struct watch *watch = watch_of(me(), tgid);
  if (!watch) return 0;
  struct signalled_record *record = RESERVE_YIELDING(signalled, SIGNALLED, 0);
  if (!record) { lose(SIGNALLED); return 0; }
  fill(&record->head, tgid, tid, watch);
  record->signal = ctx[0];
  record->code = BPF_CORE_READ((struct kernel_siginfo *)ctx[1], si_code);
  record->byDefault = BPF_CORE_READ((struct k_sigaction *)ctx[2], sa.sa_handler) == 0;
  record->spare = 0;
  bpf_ringbuf_submit(record, 0);
  return 0;
}

#ifdef HOOKS_AS_EVENTS /* for a test: kernels without trampolines look at the bodies all the same */
#define TRAMPOLINE(place) "raw_tracepoint/sched_switch"
#else
#define TRAMPOLINE(place) place
#endif

#include "calls.h"
#include "sockets.h"
#include "hooks.h"
