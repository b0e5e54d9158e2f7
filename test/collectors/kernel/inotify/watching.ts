import { execFileSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { HostPaths } from '../../../../agent/contract/component.ts';
import type { Draft, FileChanged } from '../../../../agent/contract/event.ts';
import watch from '../../../../collectors/watch.ts';

export const host: HostPaths = { proc: '/proc', sys: '/sys', tracefs: '/sys/kernel/tracing' };
export type FileDraft = Omit<FileChanged, 'id' | 'collector'>;

export interface Watching {
  /** A folder of its own, the only root. */
  readonly folder: string;
  readonly drafts: readonly Draft[];
  readonly logged: readonly string[];
  /** 'change name' of each file event, with '< name' for where it came from; names are below the folder. */
  readonly told: () => readonly string[];
  files(name?: string): readonly FileDraft[];
  until(what: string, isSo: () => boolean): Promise<void>;
  /** Makes a file and waits for the event of it: whatever happened before it has been told of. */
  mark(): Promise<void>;
  stop(): Promise<void>;
}

export async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'watch-'));
  // Not fs.rm: it cannot remove what lies deeper than a path can name.
  t.teardown(() => void execFileSync('rm', ['-rf', folder]));
  return folder;
}

/** The collector with one temporary root, quick enough for tests; `prepare` fills it before. */
export async function watching(
  t: ExecutionContext, config: Record<string, unknown> = {}, prepare: (folder: string) => Promise<void> = async () => {}, paths: HostPaths = host,
): Promise<Watching> {
  const folder = await temporary(t);
  await prepare(folder);
  const drafts: Draft[] = [];
  let changed = (): void => {};
  const failures: Error[] = [];
  const logged: string[] = [];
  const say = (message: string): void => { logged.push(message); changed(); };
  const log = { debug: say, info: say, warn: say, error: say };
  t.timeout(180_000);
  const running = await watch.start(watch.config.parse({ roots: [folder], stableMs: 100, ...config }), {
    emit: draft => { drafts.push(draft); changed(); }, fail: error => { failures.push(error); changed(); }, host: paths, log,
  });
  let isRunning = true;
  const stop = async (): Promise<void> => { if (isRunning) { isRunning = false; await running[Symbol.asyncDispose](); } };
  t.teardown(stop);
  const files = (name?: string): readonly FileDraft[] =>
    drafts.filter(draft => draft.kind === 'file.changed').filter(draft => name === undefined || draft.place.path === `${folder}/${name}`);
  const short = (path: string): string => path.replace(`${folder}/`, '');
  const told = (): readonly string[] => files().map(({ change, place, from }) => `${change} ${short(place.path)}${from ? ` < ${short(from.path)}` : ''}`);
  const until = (what: string, isSo: () => boolean): Promise<void> => new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`never: ${what}\n${told().slice(-40).join('\n')}\n${JSON.stringify(drafts.filter(d => d.kind !== 'file.changed').slice(-5), null, 1)}`)), 80_000);
    changed = () => {
      if (failures[0]) reject(failures[0]);
      if (!isSo()) return;
      clearTimeout(late);
      resolve();
    };
    changed();
  });
  let marks = 0;
  const mark = async (): Promise<void> => {
    const name = `mark-${marks++}`;
    await writeFile(join(folder, name), name);
    await until(name, () => files(name).length > 0);
  };
  await until('inventory', () => logged.some(message => message.startsWith('inventory')));
  return { folder, drafts, logged, files, until, mark, stop, told: () => told().filter(line => !line.includes('mark-')) };
}
