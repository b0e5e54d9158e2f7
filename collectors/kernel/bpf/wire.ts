/*
 * What the agent and its sensor process say to each other. To the sensor: one JSON object a line. From it: frames of a
 * u32 length, a u8 kind and that many bytes less one; records travel as the kernel wrote them.
 */
import type { Socket } from 'node:net';
import type { RecordName } from './table.ts';

/** What one fact is seen by on this kernel, found by trying: by these programs, or by none. What was refused, and why, by program. */
export interface Sight { readonly fact: string; readonly way: readonly string[] | null; readonly refused: readonly (readonly [program: string, why: string])[] }

/** `EPERM: this, that; ENOENT: the other`. */
export function reasonsOf(refused: Iterable<readonly [program: string, why: string]>): string {
  const programs = new Map<string, Set<string>>();
  for (const [program, why] of refused) programs.set(why, (programs.get(why) ?? new Set()).add(program));
  return [...programs].map(([why, names]) => `${why}: ${[...names].join(', ')}`).join('; ');
}

export type Told =
  | { readonly kind: 'ready'; readonly sights: readonly Sight[] }
  /** It cannot work on this host; the sensor then ends. */
  | { readonly kind: 'unavailable'; readonly why: string }
  | { readonly kind: 'done'; readonly id: number; readonly refused: readonly { readonly probe: number; readonly why: string }[] }
  /** Watched from now on: a process with MXNet and its living descendants. */
  | { readonly kind: 'adopted'; readonly root: number; readonly members: readonly number[] }
  /** Bytes since these processes are watched. */
  | { readonly kind: 'moved'; readonly at: number; readonly intervalMs: number; readonly sums: readonly (readonly [pid: number, sent: number, received: number])[] }
  /** 'any': processes that could not be watched, because there were too many. */
  | { readonly kind: 'lost'; readonly what: RecordName | 'any'; readonly where: 'kernel' | 'collector'; readonly count: number | null }
  | { readonly kind: 'trouble'; readonly text: string };

export interface ProbePlace { readonly probe: number; readonly offset: string; readonly named: boolean; readonly paired: boolean }
/** As in FileIdentity. */
export interface LibraryFile { readonly device: string; readonly inode: string }
export type Order =
  /** `path` leads to the very inode as long as the answer has not come. */
  | { readonly do: 'attach'; readonly id: number; readonly path: string; readonly places: readonly ProbePlace[]; readonly file: LibraryFile }
  | { readonly do: 'detach'; readonly id: number; readonly probes: readonly number[] }
  | { readonly do: 'watch'; readonly pid: number }
  | { readonly do: 'answer'; readonly id: number };

/** The only argument of the sensor process. */
export interface Setup {
  readonly proc: string;
  readonly sys: string;
  readonly mainBytes: number;
  readonly bulkBytes: number;
  /** Whether system calls may be watched where there is no other way: that slows every process on the machine. */
  readonly syscalls: boolean;
}

const [jsonFrame, recordsFrame] = [0, 1];
/** A batch is cut at 256 KiB plus one record; JSON at a fraction of it. */
const mostFrame = 1 << 20;

function frame(kind: number, body: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32LE(body.length + 1, 0);
  prefix.writeUInt8(kind, 4);
  return Buffer.concat([prefix, body]);
}
export const frameOf = (told: Told): Buffer => frame(jsonFrame, Buffer.from(JSON.stringify(told)));
export const frameOfRecords = (records: Buffer): Buffer => frame(recordsFrame, records);

/** Calls back in order. What is no frame of ours ends the connection with a RangeError. */
export function receiveFrames(socket: Socket, onTold: (told: Told) => void, onRecords: (records: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (data: Buffer) => {
    const bytes = rest.length === 0 ? data : Buffer.concat([rest, data]);
    let at = 0;
    while (at + 5 <= bytes.length) {
      const length = bytes.readUInt32LE(at);
      const kind = bytes.readUInt8(at + 4);
      if (length === 0 || length > mostFrame || kind > recordsFrame) { socket.destroy(new RangeError('a frame that is none')); return; }
      if (at + 4 + length > bytes.length) break;
      const body = bytes.subarray(at + 5, at + 4 + length);
      if (kind === jsonFrame) onTold(JSON.parse(body.toString()) as Told); else onRecords(body);
      at += 4 + length;
    }
    rest = Buffer.from(bytes.subarray(at));
  });
}
