/*
 * Entry and return of the functions of libmxnet that load something. None of these programs may sleep: a page may come
 * from whoever likes to keep us waiting, and the kernel could then not even take the program off again.
 */

/* A name into `text`, in the smallest record that holds it. `note` fills in the rest of either. */
#define TELL_NAME(kind, TYPE, name, note) ({ \
  struct kind##_record *record = RESERVE_YIELDING(kind, TYPE, TYPE##_TEXT0); \
  long length = 0; \
  if (!record) lose(TYPE); \
  else { \
    note(record); \
    length = name ? bpf_probe_read_user_str(record->text, TYPE##_TEXT0, (void *)name) : 0; \
    struct kind##_record *large = length == TYPE##_TEXT0 ? RESERVE_YIELDING(kind, TYPE, TYPE##_TEXT1) : 0; \
    if (large) { \
      note(large); \
      length = bpf_probe_read_user_str(large->text, TYPE##_TEXT1, (void *)name); \
      large->nameBytes = length; \
      bpf_ringbuf_submit(large, 0); \
      bpf_ringbuf_discard(record, 0); \
    } else { \
      record->nameBytes = length == TYPE##_TEXT0 ? -ENOSPC : length; \
      bpf_ringbuf_submit(record, 0); \
    } \
  } \
  length; })

#define ENOSPC 28

SEC("uprobe")
int call_entered(struct pt_regs *ctx) {
  __u64 cookie = bpf_get_attach_cookie(ctx), id = bpf_get_current_pid_tgid();
  __u32 tgid = id >> 32, tid = id;
  bool isNew = begin_tree(me(), tgid), isPaired = cookie >> 32 & COOKIE_PAIRED;
  note_changes(tgid, tid);
  struct watch *found = bpf_map_lookup_elem(&watched, &tgid);
  if (!found || (!isPaired && !isNew)) return 0; /* not found: counted */
  struct watch watch = *found;
  __u64 name = cookie >> 32 & COOKIE_NAMED ? FIRST(ctx) : 0;
#define NOTE(record) { \
    fill(&(record)->head, tgid, tid, &watch); \
    (record)->probe = cookie; \
    (record)->ip = PLACE(ctx); \
    (record)->sp = ctx->sp; \
    (record)->second = SECOND(ctx); \
    (record)->third = THIRD(ctx); \
  }
  long length = TELL_NAME(entered, ENTERED, name, NOTE);
#undef NOTE
  if (!isPaired) return 0;
  struct calls calls = { .depth = 1 }, *known = bpf_map_lookup_elem(&calling, &tid);
  if (known) { calls = *known; calls.depth += 1; }
  if (length < 0) { calls.name = name; calls.sp = ctx->sp; calls.probe = cookie; }
  bpf_map_update_elem(&calling, &tid, &calls, BPF_ANY);
  return 0;
}

SEC("uretprobe")
int call_returned(struct pt_regs *ctx) {
  __u64 id = bpf_get_current_pid_tgid(), cookie = bpf_get_attach_cookie(ctx);
  __u32 tgid = id >> 32, tid = id;
  struct watch *watch = watch_of(me(), tgid);
  struct calls calls = {}, *known = bpf_map_lookup_elem(&calling, &tid);
  if (known) calls = *known;
  /* By now whoever was called has read it. */
  if (watch && calls.name && calls.sp == ENTRY_STACK(ctx) && calls.probe == (__u32)cookie) {
#define NOTE(record) { fill(&(record)->head, tgid, tid, watch); (record)->probe = cookie; (record)->sp = ctx->sp; }
    TELL_NAME(named, NAMED, calls.name, NOTE);
#undef NOTE
    calls.name = 0;
  }
  if (calls.depth > 1) { calls.depth -= 1; bpf_map_update_elem(&calling, &tid, &calls, BPF_ANY); } else bpf_map_delete_elem(&calling, &tid);
  if (!watch) return 0;
  struct returned_record *record = RESERVE_YIELDING(returned, RETURNED, 0);
  if (!record) { lose(RETURNED); return 0; }
  fill(&record->head, tgid, tid, watch);
  record->probe = cookie;
  record->result = RESULT(ctx);
  record->sp = ctx->sp;
  bpf_ringbuf_submit(record, 0);
  return 0;
}
