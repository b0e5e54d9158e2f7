/* Where watched processes connect to, where they listen, how much they send and receive. */

#define CONNECTED_FROM(record, family_, port_, protocol_, listens_) \
  (record)->family = family_; (record)->port = port_; (record)->protocol = protocol_; (record)->listens = listens_;

static __always_inline __u32 swap16(__u32 value) { return (value & 0xff) << 8 | (value >> 8 & 0xff); }

static __always_inline void address_of(__u32 *to, struct bpf_sock_addr *ctx, bool six) {
  to[0] = six ? ctx->user_ip6[0] : ctx->user_ip4;
  to[1] = six ? ctx->user_ip6[1] : 0;
  to[2] = six ? ctx->user_ip6[2] : 0;
  to[3] = six ? ctx->user_ip6[3] : 0;
}

static __always_inline bool is_set(__u32 setting) {
  __u32 zero = 0, *set = bpf_map_lookup_elem(&settings, &zero);
  return set && *set & setting;
}

/*
 * Always 1: 0 would refuse the connection. A datagram socket is told when it sends: name resolution connects one to each
 * address that it finds, only to learn its own.
 */
static __always_inline int connecting(struct bpf_sock_addr *ctx, bool six) {
  __u64 id = bpf_get_current_pid_tgid();
  __u32 tgid = id >> 32;
  if (ctx->protocol == UDP && is_set(SETTING_SENDING)) return 1;
  struct watch *watch = bpf_map_lookup_elem(&watched, &tgid);
  if (!watch) return 1;
  struct connected_record *record = RESERVE_YIELDING(connected, CONNECTED, 0);
  if (!record) { lose(CONNECTED); return 1; }
  fill(&record->head, tgid, id, watch);
  CONNECTED_FROM(record, six ? AF_INET6 : AF_INET, swap16(ctx->user_port), ctx->protocol, 0)
  address_of((__u32 *)record->address, ctx, six);
  bpf_ringbuf_submit(record, 0);
  return 1;
}

static __always_inline void tell_partner(__u32 tid, const struct partner *partner, __u32 family, __u32 protocol, const struct watch *watch) {
  __u64 now = bpf_ktime_get_ns(), *before = bpf_map_lookup_elem(&partners, partner);
  if (before && now - *before < AGAIN_NS) return;
  bpf_map_update_elem(&partners, partner, &now, BPF_ANY);
  struct addressed_record *record = RESERVE(bulk_ring, addressed, ADDRESSED, 0);
  if (!record) { lose(ADDRESSED); return; }
  fill(&record->head, partner->tgid, tid, watch);
  CONNECTED_FROM(record, family, swap16(partner->port), protocol, 0)
  __builtin_memcpy(record->address, partner->address, 16);
  bpf_ringbuf_submit(record, 0);
}

static __always_inline int addressing(struct bpf_sock_addr *ctx, bool six) {
  __u64 id = bpf_get_current_pid_tgid();
  __u32 tgid = id >> 32;
  struct watch *watch = bpf_map_lookup_elem(&watched, &tgid);
  if (!watch) return 1;
  struct partner partner = { .tgid = tgid, .port = ctx->user_port };
  address_of((__u32 *)partner.address, ctx, six);
  tell_partner(id, &partner, six ? AF_INET6 : AF_INET, ctx->protocol, watch);
  return 1;
}

SEC("cgroup/connect4") int connecting4(struct bpf_sock_addr *ctx) { return connecting(ctx, false); }
SEC("cgroup/connect6") int connecting6(struct bpf_sock_addr *ctx) { return connecting(ctx, true); }
SEC("cgroup/sendmsg4") int addressing4(struct bpf_sock_addr *ctx) { return addressing(ctx, false); }
SEC("cgroup/sendmsg6") int addressing6(struct bpf_sock_addr *ctx) { return addressing(ctx, true); }

#define SYN_SENT 2
#define LISTEN 10

/* Other states change in interrupts, in whatever process happens to run. */
SEC("tp_btf/inet_sock_set_state")
int socket_state(__u64 *ctx) {
  __u32 state = ctx[2];
  if (state != LISTEN && state != SYN_SENT) return 0;
  __u64 id = bpf_get_current_pid_tgid();
  __u32 tgid = id >> 32;
  struct watch *watch = bpf_map_lookup_elem(&watched, &tgid);
  if (!watch) return 0;
  if (state == SYN_SENT && is_set(SETTING_CGROUP)) return 0;
  struct sock *socket = (void *)ctx[0];
  __u32 family = BPF_CORE_READ(socket, __sk_common.skc_family);
  if (family != AF_INET && family != AF_INET6) return 0;
  struct connected_record *record = RESERVE_YIELDING(connected, CONNECTED, 0);
  if (!record) { lose(CONNECTED); return 0; }
  fill(&record->head, tgid, id, watch);
  bool listens = state == LISTEN;
  CONNECTED_FROM(record, family, listens ? BPF_CORE_READ(socket, __sk_common.skc_num) : swap16(BPF_CORE_READ(socket, __sk_common.skc_dport)), TCP, listens)
  __builtin_memset(record->address, 0, 16);
  if (family == AF_INET) *(__u32 *)record->address = listens ? BPF_CORE_READ(socket, __sk_common.skc_rcv_saddr) : BPF_CORE_READ(socket, __sk_common.skc_daddr);
  else if (listens) BPF_CORE_READ_INTO((struct in6_addr *)record->address, socket, __sk_common.skc_v6_rcv_saddr);
  else BPF_CORE_READ_INTO((struct in6_addr *)record->address, socket, __sk_common.skc_v6_daddr);
  bpf_ringbuf_submit(record, 0);
  return 0;
}

static __always_inline void tell_peer(struct sock *socket, __u32 tgid, __u32 tid, __u32 family, const struct watch *watch) {
  struct partner partner = { .tgid = tgid, .port = BPF_CORE_READ(socket, __sk_common.skc_dport) };
  if (!partner.port) return; /* not connected: told as it is addressed */
  if (family == AF_INET) *(__u32 *)partner.address = BPF_CORE_READ(socket, __sk_common.skc_daddr);
  else BPF_CORE_READ_INTO((struct in6_addr *)partner.address, socket, __sk_common.skc_v6_daddr);
  tell_partner(tid, &partner, family, UDP, watch);
}

static __always_inline int add(struct sock *socket, __s32 bytes, bool isSent) {
  if (bytes <= 0) return 0;
  __u64 id = bpf_get_current_pid_tgid();
  __u32 tgid = id >> 32;
  struct watch *watch = bpf_map_lookup_elem(&watched, &tgid);
  if (!watch) return 0;
  __u32 family = BPF_CORE_READ(socket, __sk_common.skc_family);
  if (family != AF_INET && family != AF_INET6) return 0;
  if (isSent && BPF_CORE_READ(socket, sk_protocol) == UDP) tell_peer(socket, tgid, id, family, watch);
  struct traffic *traffic = bpf_map_lookup_elem(&moved, &tgid);
  if (!traffic) {
    struct traffic none = {};
    bpf_map_update_elem(&moved, &tgid, &none, BPF_NOEXIST);
    traffic = bpf_map_lookup_elem(&moved, &tgid);
    if (!traffic) { lose(0); return 0; }
  }
  __sync_fetch_and_add(isSent ? &traffic->sent : &traffic->received, (__u64)bytes);
  return 0;
}

#define PEEK 2
SEC("tp_btf/sock_send_length") int bytes_sent(__u64 *ctx) { return add((void *)ctx[0], ctx[1], true); }
/* Looked at only: the bytes stay and are counted when they are taken. */
SEC("tp_btf/sock_recv_length") int bytes_received(__u64 *ctx) { return ctx[2] & PEEK ? 0 : add((void *)ctx[0], ctx[1], false); }

/* Before the kernel had these events (Linux 6.3): the functions that all calls for these sockets come to. */
static __always_inline struct sock *sock_of(__u64 *ctx) { return BPF_CORE_READ((struct socket *)ctx[0], sk); }
SEC(TRAMPOLINE("fexit/inet_sendmsg")) int fexit_sent4(__u64 *ctx) { return add(sock_of(ctx), ctx[3], true); }
SEC(TRAMPOLINE("fexit/inet6_sendmsg")) int fexit_sent6(__u64 *ctx) { return add(sock_of(ctx), ctx[3], true); }
SEC(TRAMPOLINE("fexit/inet_recvmsg")) int fexit_received4(__u64 *ctx) { return ctx[3] & PEEK ? 0 : add(sock_of(ctx), ctx[4], false); }
SEC(TRAMPOLINE("fexit/inet6_recvmsg")) int fexit_received6(__u64 *ctx) { return ctx[3] & PEEK ? 0 : add(sock_of(ctx), ctx[4], false); }
