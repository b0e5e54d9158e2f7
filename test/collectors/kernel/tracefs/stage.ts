import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Collector, CollectorPort } from '../../../../agent/contract/collector.ts';
import type { Draft, EventKind } from '../../../../agent/contract/event.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { patient } from '../../../services/patience.ts';

export const host = { proc: '/proc', sys: '/sys', tracefs: '/sys/kernel/tracing' };
export type DraftOf<Kind extends EventKind> = Extract<Draft, { kind: Kind }>;

/** What the collectors of one test say; several may share it. */
export function witness(): { readonly port: CollectorPort; readonly drafts: Draft[]; readonly notes: string[]; until<Kind extends EventKind>(kind: Kind, fits?: (draft: DraftOf<Kind>) => boolean): Promise<DraftOf<Kind>>; all<Kind extends EventKind>(kind: Kind): DraftOf<Kind>[] } {
  const drafts: Draft[] = [];
  const notes: string[] = [];
  const note = (message: string, fields?: object): void => { notes.push(`${message} ${JSON.stringify(fields ?? {})}`); };
  const all = <Kind extends EventKind>(kind: Kind): DraftOf<Kind>[] => drafts.filter((draft): draft is DraftOf<Kind> => draft.kind === kind);
  return {
    drafts, notes, all,
    port: { host, emit(draft) { drafts.push(draft); }, fail(error) { throw error; }, log: { debug() { /* not of interest */ }, info: note, warn: note, error: note } },
    /** The first that fits, however long the machine needs for it; the test's own patience is the limit. */
    async until(kind, fits = () => true) {
      for (const end = performance.now() + patient(60_000); performance.now() < end;) {
        const found = all(kind).find(fits);
        if (found !== undefined) return found;
        await new Promise(resolve => { setTimeout(resolve, 20); });
      }
      throw new Error(`no ${kind} came; there were: ${JSON.stringify(drafts.filter(each => each.kind !== 'sensor.changed')).slice(0, 8_000)} ${notes.join('; ')}`);
    },
  };
}

const soon = async (what: string, isTrue: () => boolean): Promise<void> => {
  for (const end = performance.now() + patient(60_000); !isTrue();) {
    if (performance.now() > end) throw new Error(`not within a minute: ${what}`);
    await new Promise(resolve => { setTimeout(resolve, 20); });
  }
};
/** Resolves when the kernel filters for this process in an instance of ours. */
export const followed = (pid: number): Promise<void> => soon(`${pid} is followed`, () => readdirSync(`${host.tracefs}/instances`)
  .filter(name => name.startsWith(`mxwarden-${process.pid}-tree-`)).some(name => readFileSync(`${host.tracefs}/instances/${name}/set_event_pid`, 'latin1').split('\n').includes(String(pid))));
/** Resolves when the collector has said this. */
export const noted = (notes: readonly string[], text: string): Promise<void> => soon(`noted: ${text}`, () => notes.some(note => note.includes(text)));

export const begin = <Config>(collector: Collector<Config>, port: CollectorPort, config: object = {}): Promise<AsyncDisposable> => collector.start(collector.config.parse(config), port);

export interface Actor extends Disposable { readonly pid: number; next(): Promise<void>; said(line: string): Promise<void>; readonly ended: Promise<{ code: number | null; signal: string | null }> }

/** Runs the stand-in's program; the words `line` in it wait for `next`. */
export async function act(program: string, words: readonly string[], cwd?: string): Promise<Actor> {
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'], ...cwd === undefined ? {} : { cwd } });
  const ended = once(child, 'exit').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null }));
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout }).on('line', line => { lines.push(line); });
  child.stdin.on('error', () => { /* it has ended: `ended` says how */ });
  await once(child, 'spawn');
  const said = async (line: string): Promise<void> => { while (!lines.includes(line)) await Promise.race([once(reader, 'line'), ended.then(end => { if (!lines.includes(line)) throw new Error(`ended ${JSON.stringify(end)} without ${line}: ${lines.join(', ')}`); })]); };
  return { pid: child.pid ?? -1, ended, said, async next() { child.stdin.write('\n'); }, [Symbol.dispose]() { child.kill('SIGKILL'); } };
}
