/*
 * The one table of what our programs write into the rings. `records.h`, which the programs are built with, is generated
 * from it, and `decode.ts` reads by it: neither has a number of its own. Little endian, as both architectures are.
 */

type Width = 'u32' | 's32' | 'u64' | 's64' | 'bytes16';
type Fields = Readonly<Record<string, Width>>;
/**
 * `main`: what may never be pushed out by a flood of something else. `bulk`: the rest.
 * `text`: bytes that follow the fields; the record is made with the smallest of these sizes that holds what there is.
 */
interface Shape {
  readonly id: number;
  readonly ring: 'main' | 'bulk';
  /** One process can make any number of them in no time: where room gets scarce, programs that start and processes that end come first. */
  readonly yields?: true;
  readonly fields: Fields;
  readonly text: readonly number[];
}

/** At the head of each record: its length and type (u16 each), then these. */
export const head = {
  tgid: 'u32', tid: 'u32',
  /** The process to whose tree it belongs, and who cloned it, as it was then. */
  root: 'u32', parent: 'u32', unused: 'u32',
  /** Nanoseconds, CLOCK_MONOTONIC. */
  at: 'u64',
  /** Nanoseconds since boot at which these three processes started. */
  start: 'u64', rootStart: 'u64', parentStart: 'u64',
} as const satisfies Fields;
export const headBytes = 56;

export const records = {
  forked: { id: 1, ring: 'main', yields: true, fields: { maker: 'u32', spare: 'u32' }, text: [] },
  /**
   * Text: the name as given to execve(2), then at `argumentsAt` the arguments, each ended by NUL. The file is what the
   * kernel runs: of a script (`isScript`) its interpreter.
   */
  executed: {
    id: 2, ring: 'main', text: [1_024, 32_768],
    fields: {
      euid: 'u32', links: 'u32', device: 'u32', isScript: 'u32', inode: 'u64', size: 's64', mtimeNs: 's64', ctimeNs: 's64',
      nameBytes: 's32', argumentBytes: 's32', argumentsAt: 'u32', argumentTotal: 'u32',
    },
  },
  /** `status` as wait(2) gives it. Bytes over IPv4 and IPv6 since it was watched. */
  exited: { id: 3, ring: 'main', fields: { status: 'u32', spare: 'u32', sent: 'u64', received: 'u64' }, text: [] },
  /** Only of threads that are in a call. */
  threadEnded: { id: 4, ring: 'main', yields: true, fields: {}, text: [] },
  signalled: { id: 5, ring: 'main', yields: true, fields: { signal: 'u32', code: 's32', byDefault: 'u32', spare: 'u32' }, text: [] },
  /** `nameBytes`: with its NUL; below zero: why it could not be read (errno); zero: it has no name. */
  entered: {
    id: 6, ring: 'main', yields: true, text: [256, 8_448],
    fields: { probe: 'u32', nameBytes: 's32', ip: 'u64', sp: 'u64', second: 'u64', third: 'u64' },
  },
  /** A name that was not in memory at the entry (it may be a page of a file), read at the return of the same call. */
  named: { id: 15, ring: 'main', yields: true, fields: { probe: 'u32', nameBytes: 's32', sp: 'u64' }, text: [256, 8_448] },
  returned: { id: 7, ring: 'main', yields: true, fields: { probe: 'u32', result: 's32', sp: 'u64' }, text: [] },
  connected: { id: 8, ring: 'main', yields: true, fields: { family: 'u32', port: 'u32', protocol: 'u32', listens: 'u32', address: 'bytes16' }, text: [] },
  /** A datagram to somewhere new, or again after ten seconds. */
  addressed: { id: 9, ring: 'bulk', fields: { family: 'u32', port: 'u32', protocol: 'u32', listens: 'u32', address: 'bytes16' }, text: [] },
  /** Seen at the latest when the process does the next thing that makes a record, or ends. */
  credentials: { id: 10, ring: 'main', fields: { uidBefore: 'u32', uidAfter: 'u32', capsBefore: 'u64', capsAfter: 'u64' }, text: [] },
  /** Bits of `namespaces` below. */
  namespaces: { id: 11, ring: 'main', fields: { changed: 'u32', spare: 'u32' }, text: [] },
  /**
   * `flags`: VM_* before, `protection`: PROT_* asked for; `inode` 0: no file behind it. `mapped`: 1 a new mapping, 0 one that
   * is there, 2 one of which nothing else is known.
   */
  protected: {
    id: 12, ring: 'bulk', text: [],
    fields: { protection: 'u32', mapped: 'u32', flags: 'u64', from: 'u64', bytes: 'u64', inode: 'u64', links: 'u32', device: 'u32' },
  },
  /** `means`: of `means` below. Start 0: of the target only the number is known that the caller gave. */
  traced: { id: 13, ring: 'bulk', fields: { means: 'u32', target: 'u32', targetStart: 'u64' }, text: [] },
  /** `what`: of `uses` below. */
  used: { id: 14, ring: 'bulk', fields: { what: 'u32', number: 'u32', flags: 'u64' }, text: [64] },
} as const satisfies Readonly<Record<string, Shape>>;

export type RecordName = keyof typeof records;

/** Bits of `namespaces.changed`. */
export const namespaces = { mount: 1, network: 2, pid: 4, user: 8, uts: 16, ipc: 32 } as const;
/** How another process is reached. */
export const means = { attach: 1, traceme: 2, read: 3, write: 4, file: 5 } as const;
/** Interfaces of the kernel that a process which loads models has no need of. */
export const uses = { memfd: 1, 'io-uring': 2, bpf: 3, perf: 4, module: 5, mount: 6, capability: 7 } as const;

/** `cgroup`: connections are told by the programs for cgroups; `sending`: datagrams of connected sockets by those for bytes. */
export const settings = { cgroup: 1, sending: 2 } as const;
/** Flags of a watched process, in the map `watched`. */
export const flags = { settled: 1 } as const;

/** What one entry of the map `watched` holds, in this order; `records.h` has the same. */
export const watchFields = {
  start: 'u64', rootStart: 'u64', parentStart: 'u64', caps: 'u64', mountNs: 'u64', networkNs: 'u64', pidNs: 'u64', userNs: 'u64',
  utsNs: 'u64', ipcNs: 'u64', root: 'u32', parent: 'u32', uid: 'u32', flags: 'u32', usedCaps: 'u64',
} as const satisfies Fields;
/** Bytes that go with a probe as its cookie: its number, and in the upper half these. */
export const cookie = { named: 1, paired: 2 } as const;
/** Start times are compared and told in these: clock ticks, as field 22 of /proc/PID/stat. */
export const tickNs = 10_000_000n;

const widths: Readonly<Record<Width, number>> = { u32: 4, s32: 4, u64: 8, s64: 8, bytes16: 16 };

/** Offset of each field from `at` on. Throws RangeError for a field that is not aligned: C would then put it elsewhere. */
export function offsetsOf(fields: Fields, at: number): { readonly offsets: Readonly<Record<string, { readonly at: number; readonly width: Width }>>; readonly end: number } {
  const offsets: Record<string, { at: number; width: Width }> = {};
  for (const [name, width] of Object.entries(fields)) {
    if (at % Math.min(8, widths[width]) !== 0) throw new RangeError(`${name} is not aligned`);
    offsets[name] = { at, width };
    at += widths[width];
  }
  return { offsets, end: at };
}

/** The text of records.h. */
export function layoutHeader(): string {
  const lines = ['/* Generated from table.ts by build.ts. */', ''];
  const struct = (name: string, first: string, fields: Fields, last = ''): void => {
    const members = Object.entries(fields).map(([field, width]) => (width === 'bytes16' ? `__u8 ${field}[16];` : `__${width} ${field};`));
    lines.push(`struct ${name} { ${[first, ...members, last].filter(Boolean).join(' ')} };`);
  };
  struct('head', '__u16 length; __u16 type;', head);
  struct('watch', '', watchFields);
  for (const [name, { id, fields, text }] of Object.entries(records) as [string, Shape][]) {
    struct(`${name}_record`, 'struct head head;', fields, text.length > 0 ? '__u8 text[];' : '');
    lines.push(`_Static_assert(sizeof(struct ${name}_record) == ${offsetsOf(fields, headBytes).end}, "${name}");`);
    lines.push(`#define ${name.toUpperCase()} ${id}`, ...text.map((size, index) => `#define ${name.toUpperCase()}_TEXT${index} ${size}`));
  }
  lines.push(`#define TYPES ${Math.max(...Object.values(records).map(each => each.id)) + 1}`);
  const numbers = (prefix: string, list: Readonly<Record<string, number>>): void => {
    for (const [name, value] of Object.entries(list)) lines.push(`#define ${prefix}_${name.toUpperCase().replaceAll('-', '_')} ${value}`);
  };
  numbers('NAMESPACE', namespaces);
  numbers('MEANS', means);
  numbers('USE', uses);
  numbers('SETTING', settings);
  numbers('WATCH', flags);
  numbers('COOKIE', cookie);
  lines.push(`#define TICK_NS ${tickNs}ULL`, `_Static_assert(sizeof(struct head) == ${headBytes}, "head");`, `_Static_assert(sizeof(struct watch) == ${offsetsOf(watchFields, 0).end}, "watch");`, '');
  return lines.join('\n');
}
