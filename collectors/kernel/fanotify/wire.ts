/*
 * What the agent and its watcher process say to each other: one JSON object a line. Paths and names are byte text (each
 * byte one character), so that no name can be mistaken for framing.
 */
import type { BigIntStats } from 'node:fs';
import type { FileIdentity } from '../../../agent/contract/file.ts';
import type { Process } from '../../../agent/contract/process.ts';
import type { RawPath } from '../inotify/raw-path.ts';

/**
 * `folder`: all that is done in it. `content`: what is done to this file, under whichever name. `opens`: opens of this file.
 * `names`: names that come into this folder, and nothing about its files. `writes`: as `names`, and files in it that were
 * written, when they are closed.
 */
export type MarkKind = 'folder' | 'content' | 'opens' | 'names' | 'writes';

/** The file itself at the moment of looking, which no other name or later file can stand in for. */
export interface Target {
  /** `targetKey` */
  readonly key: string;
  readonly links: number;
  readonly file: FileIdentity;
}

/** What one process did to one name, in a few milliseconds. */
export interface Did {
  readonly kind: 'did';
  /** Epoch milliseconds; a little after it happened, never before. */
  readonly at: number;
  /** `did` of record.ts, or-ed. */
  readonly mask: number;
  readonly path: RawPath;
  /** What it is called by who did it, when that is in another mount namespace. */
  readonly inside: RawPath | null;
  /** Which marks it was seen by. */
  readonly by: readonly MarkKind[];
  readonly target: Target | null;
  /** Of an `Actor` told before. Null: it was gone before it could be looked at; then `pid` is all there is. */
  readonly actor: number | null;
  readonly pid: number;
}

/** Inode numbers are used again, often at once; with the time of birth, zero where the file system does not keep it, they are not. */
export const targetKey = ({ dev, ino, birthtimeNs }: BigIntStats): string => `${dev}:${ino}:${birthtimeNs}`;

export type Loss = 'changes' | 'opens';
export type Reply =
  | Did
  | { readonly kind: 'actor'; readonly number: number; readonly process: Process }
  /** Everything that happened before it was asked has been told. */
  | { readonly kind: 'settled'; readonly id: number }
  | { readonly kind: 'refused'; readonly mark: MarkKind; readonly path: RawPath; readonly error: string }
  /** `count` null: the kernel says only that its queue was full. */
  | { readonly kind: 'lost'; readonly what: Loss; readonly count: number | null }
  /** First of all: armed, or why it cannot be, as an errno. `births`: programs are looked at when they start. */
  | { readonly kind: 'ready'; readonly births: boolean }
  | { readonly kind: 'unavailable'; readonly error: string };

export type Command =
  | { readonly do: 'mark' | 'unmark'; readonly mark: MarkKind; readonly path: RawPath }
  | { readonly do: 'settle'; readonly id: number };

/** What the watcher needs to know before anything else, as its only argument. `agent`: what this process does is not told. */
export interface WatcherSetup { readonly proc: string; readonly sys: string; readonly tracefs: string; readonly agent: number }

export const encode = (message: Reply | Command): string => `${JSON.stringify(message)}\n`;

const mostLine = 1 << 20;

/** Takes text as it comes, gives each whole line's object. RangeError for a line longer than a megabyte: none of ours. */
export function createLines<Message>(onMessage: (message: Message) => void): (text: string) => void {
  let rest = '';
  return text => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onMessage(JSON.parse(line) as Message);
    if (rest.length > mostLine) throw new RangeError('a message without end');
  };
}
