import type { LoaderSettings, ProcessExited } from '../../../agent/contract/event.ts';
import type { FileIdentity, Place } from '../../../agent/contract/file.ts';
import type { Process, ProcessRef } from '../../../agent/contract/process.ts';

/** One libmxnet that a process has mapped, or has in itself. */
export interface MappedLibrary {
  readonly place: Place;
  readonly file: FileIdentity;
  readonly version: string | null;
  readonly unexpected: string | null;
  /** How the agent may open this very inode now: below /proc/PID/root, or /proc/PID/map_files when it is unlinked. */
  readonly openPath: string;
}

/** One file that a process has mapped as code. */
export interface MappedCode { readonly place: Place; readonly file: FileIdentity; readonly unlinked: boolean }

/** A living process with MXNet. */
export interface Member {
  readonly process: Process;
  readonly libraries: readonly MappedLibrary[];
  /** As they were when its first library was found. */
  readonly settings: LoaderSettings;
}

export interface CensusListener {
  /** Once for each library of each process; for those already known at once when joining. */
  mapped?(member: Member, library: MappedLibrary): void;
  /** A member has one more file in its memory as code than when it was first looked at. */
  extended?(process: Process, code: MappedCode): void;
  /** Once for each member that has ended. */
  gone?(process: ProcessRef, status: ProcessExited['status']): void;
  /** A member was just seen to load a model. */
  loaded?(pid: number): void;
}

/** Who has MXNet now: one poll of /proc for all collectors of one host. */
export interface Census {
  /** By pid. */
  readonly members: ReadonlyMap<number, Member>;
  join(listener: CensusListener): Disposable;
  /** Look at this process now, not at the next poll: a sensor saw it call the library. */
  look(pid: number): void;
  /** A sensor saw the process end: its members' `gone` is called at once, with this status, and only once. */
  leave(pid: number, status: ProcessExited['status']): void;
  /** A sensor saw this process load a model: every listener's `loaded` is called, when it is a member, and its memory is looked at soon. */
  noteLoad(pid: number): void;
}
