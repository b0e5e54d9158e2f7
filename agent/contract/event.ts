/**
 * The vocabulary of mxwarden. Everything else imports this; this imports nothing outside its folder.
 *
 * artifact   one file MXNet may load, known by its FileIdentity and its SHA-256
 * load       one process loading one artifact through one MXNet function
 * process    a pid and its start time; a pid alone is never an identity
 * event      a fact about this host, self-contained: nobody looks anything up later
 * finding    one rule's suspicion, with the events that justify it
 * incident   all findings of one load (or of one artifact before any load), told in order
 * loss       anything that was not seen; a fact like any other
 */
import type { FileIdentity, Place } from './file.ts';
import type { Observation, Severity } from './finding.ts';
import type { Coverage, Verdict } from './inspection.ts';
import type { Process, ProcessRef, Streams } from './process.ts';

/** Closed on purpose: a new kind is a change to the language, and every exhaustive switch must answer it. */
export type Event =
  | FileChanged
  | FileOpened
  | FileAccessed
  | ProcessExecuted
  | ProcessExited
  | ProcessSampled
  | MxnetMapped
  | MxnetCalled
  | MxnetRegistered
  | LibraryMapped
  | NetworkConnected
  | NetworkTransferred
  | MemoryProtected
  | ProcessTraced
  | CredentialsChanged
  | KernelUsed
  | ArtifactInspected
  | HostSampled
  | SensorChanged
  | AgentSampled
  | AgentStarted
  | BaselineRestored
  | StoreDamaged
  | TrailBroken
  | EventsLost;

export type EventKind = Event['kind'];
export type EventOf<Kind extends EventKind> = Extract<Event, { readonly kind: Kind }>;

/*
 * `tree` in an event: the process with MXNet to whose tree the process belongs (itself, when it has MXNet),
 * kept when a child is re-parented.
 */
interface Fact<Kind extends string> {
  readonly kind: Kind;
  /** Unique and ordered within a boot; stamped by the stream, never by a collector. */
  readonly id: string;
  readonly collector: string;
  /** Epoch milliseconds (fraction = microseconds) at which it happened, not at which we noticed. */
  readonly at: number;
}

export interface FileChanged extends Fact<'file.changed'> {
  readonly place: Place;
  /** 'found': it was there when watching began, or a rescan came upon it; when it came is not known. */
  readonly change: 'found' | 'created' | 'written' | 'renamed' | 'removed' | 'attributes';
  /** For 'renamed': where it was. */
  readonly from?: Place;
  /** Null when it is gone. */
  readonly file: FileIdentity | null;
  /** Owner and permission bits (0o7777) of the file; null when it is gone. */
  readonly access: { readonly uid: number; readonly gid: number; readonly mode: number } | null;
  /** Null when the sensor level cannot tell. */
  readonly by: Process | null;
  /** Its pid, when it was gone before it could be looked at; then `by` is null. A number alone is no identity. */
  readonly gone?: number;
  /** A file by which the system is set up, not one that may be a model. */
  readonly what?: 'system';
}
/** A process with MXNet has it open: taken for a load where no sensor sees the calls. */
export interface FileOpened extends Fact<'file.opened'> {
  readonly place: Place;
  readonly file: FileIdentity;
  readonly by: Process;
}
/** Opened by any process, for whatever it may be: no load. Told once in a while for one process and one file. */
export interface FileAccessed extends Fact<'file.accessed'> {
  readonly place: Place;
  readonly file: FileIdentity;
  readonly what: 'model' | 'secret';
  readonly by: Process | null;
  /** As in `FileChanged`. */
  readonly gone?: number;
}
export interface ProcessExecuted extends Fact<'process.executed'> {
  readonly process: Process;
  readonly parent: ProcessRef;
  readonly tree: ProcessRef;
  /** Null when it was gone before they could be looked at; absent when nobody looked. */
  readonly streams?: Streams | null;
  /** Those of its parent, where its own lead to a terminal: a terminal may be passed on to a socket. */
  readonly parentStreams?: Streams | null;
}
export interface ProcessExited extends Fact<'process.exited'> {
  readonly process: ProcessRef;
  readonly tree: ProcessRef;
  /** Null when the sensor level cannot tell. */
  readonly status: { readonly code: number } | { readonly signal: string } | null;
}
export interface ProcessSampled extends Fact<'process.sampled'> {
  readonly process: ProcessRef;
  readonly intervalMs: number;
  /** Seconds of CPU used in the interval. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly threads: number;
  readonly descriptors: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}
export interface MxnetMapped extends Fact<'mxnet.mapped'> {
  readonly process: Process;
  readonly library: {
    readonly place: Place;
    readonly file: FileIdentity;
    /** As the package beside it says, never as the library itself would say. */
    readonly version: string | null;
    /** Why this is not the place where the package keeps its library, in words; null when it is. */
    readonly unexpected: string | null;
  };
  /** Absent in what was recorded before it was looked at. */
  readonly settings?: LoaderSettings;
}
/** What decides which native code a process has, and what MXNet is in it. Texts are cut at 1,024 characters, lists at 64. */
export interface LoaderSettings {
  /** Values of its environment as they were when its program started; null when that cannot be read. */
  readonly environment: {
    /** LD_PRELOAD, at its separators. */
    readonly preload: readonly string[];
    /** LD_LIBRARY_PATH; an empty entry is the working directory. */
    readonly libraryPath: readonly string[];
    /** MXNET_LIBRARY_PATH. */
    readonly mxnetLibraryPath: string | null;
    /** DMLC_ROLE: worker, server or scheduler of a distributed training. */
    readonly role: string | null;
  } | null;
  /** Libraries that /etc/ld.so.preload of its root names now: every program started there loads them. */
  readonly preloadFile: readonly string[];
}
/** A process that has MXNet had one more file in its memory as code than when it was first seen to have MXNet. */
export interface LibraryMapped extends Fact<'library.mapped'> {
  readonly process: Process;
  readonly library: {
    readonly place: Place;
    readonly file: FileIdentity;
    /** No name leads to it: a memfd, or a file that is deleted. */
    readonly unlinked: boolean;
  };
}
/** Code in the process registers an operator of its own with MXNet, by MXCustomOpRegister. */
export interface MxnetRegistered extends Fact<'mxnet.registered'> {
  readonly process: Process;
  readonly thread: number;
  readonly outcome: MxnetCalled['outcome'];
}
/** One call into the library that loads something. */
export interface MxnetCalled extends Fact<'mxnet.called'> {
  readonly process: Process;
  readonly thread: number;
  readonly api: string;
  readonly argument:
    | {
      readonly type: 'path';
      readonly raw: string;
      readonly place: Place | null;
      readonly file: FileIdentity | null;
      /** Who may change it: the file's owner and mode, and the first parent folder that others may write into. */
      readonly access: { readonly uid: number; readonly mode: number; readonly openFolder: string | null } | null;
    }
    | { readonly type: 'buffer'; readonly bytes: number | null }
    /** The sensor saw the call, not its argument; `why` in words. An attacker may want just that. */
    | { readonly type: 'unread'; readonly why: string };
  /** 'crashed': entered, never returned, and the process is gone. */
  readonly outcome: 'ok' | 'failed' | 'crashed';
  /** The signal delivered to the calling thread inside a call that crashed; null when none was seen. */
  readonly signal: string | null;
  readonly durationMs: number;
}
export interface NetworkConnected extends Fact<'network.connected'> {
  readonly process: Process;
  readonly tree: ProcessRef;
  readonly protocol: 'tcp' | 'udp';
  readonly direction: 'outbound' | 'listen';
  readonly address: string;
  readonly port: number;
}
export interface NetworkTransferred extends Fact<'network.transferred'> {
  readonly process: ProcessRef;
  readonly intervalMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}
/** Memory of a process became executable: a new mapping, or one that it had. Libraries as ld.so maps them are not told. */
export interface MemoryProtected extends Fact<'memory.protected'> {
  readonly process: Process;
  readonly tree: ProcessRef;
  readonly change: 'mapped' | 'protected';
  /** What is behind it; `unlinked`: a file that no folder has, such as a memfd. Null when the sensor level cannot tell. */
  readonly backing: 'anonymous' | 'file' | 'unlinked' | null;
  /** Writable and executable at once. */
  readonly writable: boolean;
  /** Whether it was writable until now; null when the sensor level cannot tell. */
  readonly wasWritable: boolean | null;
  readonly bytes: number | null;
}
/** A process reached into another one, or had itself traced. `target` null: the sensor saw no more than a number that may be of another pid namespace. */
export interface ProcessTraced extends Fact<'process.traced'> {
  readonly process: Process;
  readonly tree: ProcessRef;
  readonly target: ProcessRef | null;
  /** `attach`: ptrace(2) or process_vm_readv(2) and its kin; `memory`: /proc/PID/mem; `traceme`: it let its parent trace it. */
  readonly means: 'attach' | 'traceme' | 'read' | 'write' | 'memory';
}
/** User or capabilities of a process changed. Seen at the latest when it does something else that is seen, or ends. */
export interface CredentialsChanged extends Fact<'credentials.changed'> {
  readonly process: Process;
  readonly tree: ProcessRef;
  /** Effective user ids. */
  readonly uid: { readonly before: number; readonly after: number };
  /** Names of effective capabilities, capabilities(7). */
  readonly gained: readonly string[];
  readonly dropped: readonly string[];
}
/** An interface of the kernel that a process which loads models has no need of. */
export interface KernelUsed extends Fact<'kernel.used'> {
  readonly process: Process;
  readonly tree: ProcessRef;
  readonly interface: 'memfd' | 'io_uring' | 'bpf' | 'perf' | 'module' | 'mount' | 'namespace' | 'capability';
  /** Name of the memory file, type of the mount, kinds of the namespaces, name of the capability; else empty. */
  readonly detail: string;
  /** Null when the sensor saw only that it was asked for. */
  readonly allowed: boolean | null;
}
export interface ArtifactInspected extends Fact<'artifact.inspected'> {
  readonly place: Place;
  readonly file: FileIdentity;
  readonly sha256: string;
  readonly format: string;
  readonly verdict: Verdict;
  /** What the artifact detectors said; carried here so that a recording replays without the bytes. */
  readonly observations: readonly Observation[];
  readonly coverage: Coverage;
  readonly inventory: Readonly<Record<string, unknown>>;
  /** The file of the same model that it was held against, or that was looked for and not there. */
  readonly beside?: { readonly path: string; readonly file: FileIdentity | null };
}
export interface HostSampled extends Fact<'host.sampled'> {
  readonly load1: number;
  readonly cpuRatio: number;
  readonly availableBytes: number;
  /** Name servers of /etc/resolv.conf, at most 16; absent when it cannot be read. */
  readonly resolvers?: readonly string[];
}
/** A sensor was armed, lost something it needs, or went down; what it cannot see now is said in words. */
export interface SensorChanged extends Fact<'sensor.changed'> {
  readonly sensor: string;
  readonly state: 'armed' | 'degraded' | 'down';
  readonly level: 'bpf-lsm' | 'bpf-base' | 'tracefs' | 'fanotify' | 'unprivileged';
  readonly blind: readonly string[];
}
/** The agent itself, each second. */
export interface AgentSampled extends Fact<'agent.sampled'> {
  readonly intervalMs: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** 99th percentile of the event loop's delay in the interval. */
  readonly loopDelayMs: number;
}
/** First fact of each run. `since`: when the run before it was last known alive, if it did not stop in order. */
export interface AgentStarted extends Fact<'agent.started'> {
  readonly version: string;
  readonly bootId: string;
  readonly unwatchedSince: number | null;
  /** The process of the agent itself; absent in older recordings. */
  readonly process?: ProcessRef;
}
/** What a detector remembered when a recording began; written at its head, so that it replays alike. */
export interface BaselineRestored extends Fact<'baseline.restored'> {
  readonly detector: string;
  readonly entries: readonly (readonly [key: string, value: string | number])[];
}
/** The agent's memory was damaged: it was set aside, and what could be read of it is in a new one. Counts are rows. */
export interface StoreDamaged extends Fact<'store.damaged'> {
  /** Name of the damaged file beside the new one. */
  readonly setAside: string;
  readonly reason: string;
  readonly saved: number;
  /** Null: some, and nobody knows how many. */
  readonly lost: number | null;
  /** Of those, alerts that some sink still waited for. */
  readonly alertsLost: number | null;
}
/** The agent's audit trail is not as it was left: this epoch stays as it is, and a new one begins. */
export interface TrailBroken extends Fact<'trail.broken'> {
  readonly epoch: number;
  /** What differs, and where. */
  readonly reason: string;
}
/** A baseline that does not know what it missed is a lie. */
export interface EventsLost extends Fact<'events.lost'> {
  readonly where: 'kernel' | 'collector' | 'stream' | 'outbox';
  readonly what: EventKind | 'any';
  /** Null when the source can only say "some". */
  readonly count: number | null;
  /** For `outbox`: how grave the alerts were that were dropped. Absent when nobody knows. */
  readonly severity?: Severity;
}

/** What a collector hands over; the stream adds the rest. */
export type Draft = Event extends infer E ? (E extends Event ? Omit<E, 'id' | 'collector'> : never) : never;
