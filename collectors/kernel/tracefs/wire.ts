/*
 * What the agent and its reader process say to each other: one JSON object a line. The reader is ours, but the text in
 * its records is the watched process's: bytes travel as latin1 text, so that no name can be mistaken for framing.
 */
import type { Socket } from 'node:net';

/** `api`: calls into libmxnet, of every process. `tree`: what watched processes do. `bytes`: how much they send and receive. */
export type Purpose = 'api' | 'tree' | 'bytes';

export type RecordKind = 'named' | 'entered' | 'left' | 'cloned' | 'executed' | 'exited' | 'signalled' | 'connected' | 'sent' | 'received' | 'marked';

/** Where the fields of one event are in its records; `probe` says which probe made it. */
export interface Layout {
  readonly id: number;
  readonly kind: RecordKind;
  readonly probe: number;
  readonly fields: Readonly<Record<string, { readonly offset: number; readonly size: number; readonly signed: boolean; readonly located: boolean }>>;
}

interface Stamp {
  /** Nanoseconds, CLOCK_MONOTONIC. */
  readonly at: number;
  /** Thread id in the init namespace; the kernel calls it pid. */
  readonly tid: number;
}
interface CallStamp extends Stamp {
  readonly probe: number;
  /** Stack pointer at the function's first instruction, hexadecimal: with `tid` and `probe` it names one call. */
  readonly sp: string;
}
interface EntryStamp extends CallStamp {
  /** Address of the function in the process, hexadecimal. */
  readonly ip: string;
  /** Null when the thread was gone before it could be asked; the agent may know it all the same. */
  pid: number | null;
}

/** At the entry of a function whose first argument is a name. Null: the kernel could not read it. */
export interface Named extends EntryStamp { readonly kind: 'named'; readonly name: string | null }
/** At the entry of any probed function. `head`: first 32 bytes of a name; `second`, `third`: these arguments of other functions, decimal. */
export interface Entered extends EntryStamp {
  readonly kind: 'entered';
  readonly head: string | null;
  readonly second: string | null;
  readonly third: string | null;
  /** Names the later `Amended`, when one will come. */
  readonly serial: number | null;
  /** Its answer, put here by the agent: the whole name, read from the caller's memory. */
  late?: Late;
}
export interface Left extends CallStamp { readonly kind: 'left'; readonly result: number }
export interface Cloned extends Stamp { readonly kind: 'cloned'; readonly child: number; readonly flags: number }
export interface Executed extends Stamp {
  readonly kind: 'executed';
  readonly pid: number;
  /** As given to execve(2). */
  readonly file: string;
  readonly serial: number | null;
  /** The arguments, as /proc/PID/cmdline has them; absent when they were not read, or not in time. */
  late?: Late;
  /** The process had become yet another program when we looked: what was read may be of that. */
  overtaken?: true;
}
/** `bytes` as latin1 text; null when it could not be read, or not in time. `at`: when it was read. */
export interface Late { readonly at: number; readonly bytes: string | null }
export interface Exited extends Stamp {
  readonly kind: 'exited';
  /** Whether it was the last thread; null when this kernel does not say. */
  readonly last: boolean | null;
  /** Wait status of the process as /proc showed it; null when it was too late to read it. */
  readonly status: number | null;
}
export interface Signalled extends Stamp {
  readonly kind: 'signalled';
  readonly signal: number;
  /** si_code: 0 and below were sent by a process. */
  readonly code: number;
  readonly byDefault: boolean;
  /** As in `Exited`, for SIGKILL: all threads are told that, whatever ends the process. */
  readonly status: number | null;
}
export interface Connected extends Stamp {
  readonly kind: 'connected';
  readonly direction: 'outbound' | 'listen';
  readonly address: string;
  readonly port: number;
}
export type KernelRecord = Named | Entered | Left | Cloned | Executed | Exited | Signalled | Connected;

/** What had to be read from a live process, after its record was sent on. */
export interface Amended extends Late { readonly kind: 'amended'; readonly serial: number }
export type Reply =
  | KernelRecord
  | Amended
  /** Sums per thread since the last such message. */
  | { readonly kind: 'transferred'; readonly at: number; readonly intervalMs: number; readonly sums: readonly TransferSum[] }
  /** From now on the kernel filters for these too. */
  | { readonly kind: 'followed'; readonly root: number; readonly members: readonly Member[] }
  | { readonly kind: 'lost'; readonly purpose: Purpose; readonly where: 'kernel' | 'collector'; readonly count: number | null }
  | { readonly kind: 'ready'; readonly purpose: Purpose }
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'trouble'; readonly text: string };
export type TransferSum = readonly [tid: number, sent: number, received: number];
export interface Member { readonly pid: number; readonly parent: number; readonly tids: readonly number[] }

export interface ReadInstance {
  readonly folder: string;
  readonly pageBytes: number;
  /** The files that switch its events on and off. */
  readonly events: readonly string[];
}
export type Command =
  | { readonly do: 'read'; readonly purpose: Purpose; readonly instance: ReadInstance; readonly layouts: readonly Layout[] }
  | { readonly do: 'learn'; readonly id: number; readonly purpose: Purpose; readonly layouts: readonly Layout[] }
  | { readonly do: 'follow'; readonly pid: number }
  | { readonly do: 'answer'; readonly id: number };

/** What the reader needs to know before anything else, as its only argument. */
export interface ReaderSetup { readonly proc: string; readonly sys: string; readonly seats: number }

const mostLine = 1 << 20;

/** Calls back with each line's object. A line longer than a megabyte is none of ours: the connection is given up. */
export function receive<Message>(socket: Socket, onMessage: (message: Message) => void): void {
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onMessage(JSON.parse(line) as Message);
    if (rest.length > mostLine) socket.destroy(new RangeError('a message without end'));
  });
}

/** Only ASCII travels: everything else is escaped, so that latin1 on the other side reads what was meant. */
export const encode = (message: Reply | Command): string => `${JSON.stringify(message).replace(/[\u007f-\uffff]/g, escapeUnit)}\n`;
const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
