import { registry } from '../assemble.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { ask, type LetterFilter } from '../control.ts';
import { UnavailableError } from '../contract/errors.ts';
import type { Severity } from '../contract/finding.ts';
import { escapeText } from '../contract/text.ts';
import { createLog } from '../log.ts';
import { type Database, openDatabase, openReadOnly } from '../store/database.ts';
import type { Stored } from '../store/failure.ts';
import { type Outbox, openOutbox } from '../store/outbox.ts';
import { type Entry, viewOutbox } from '../store/outbox-view.ts';
import { openState } from '../store/state.ts';
import { noteDrops } from '../store/untold.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

interface Choice extends CommonOptions {
  readonly sink?: string;
  readonly dead?: boolean;
  readonly severity?: Severity;
  /** Came in before, epoch milliseconds. */
  readonly before?: number;
}
interface DropOptions extends Choice { readonly pending?: boolean; readonly all?: boolean }
interface RetryOptions extends Choice { readonly all?: boolean }

/** What is not delivered yet, by sink; works beside a running agent. 0: nothing waits. 1: something does. */
export async function list(options: Choice): Promise<ExitCode> {
  const entries = read(options, view => view.list(filterOf(options, options.dead ? 'dead' : undefined)));
  for (const entry of entries) {
    if (options.format === 'json') printJson(entry);
    else print(line(entry));
  }
  if (options.format !== 'json') print(entries.length === 0 ? 'everything is delivered' : `${entries.length} ${options.dead ? 'dead letters' : 'waiting or dead'}`);
  return entries.length === 0 ? exitCode.ok : exitCode.findings;
}

const line = (entry: Entry): string =>
  `${new Date(entry.at).toISOString()}  ${entry.sink.padEnd(8)} ${entry.state.padEnd(8)} ${entry.severity.padEnd(8)} ${entry.id}  ${escapeText(entry.title ?? '(unreadable)')}${entry.buried ? `  — ${escapeText(entry.buried.reason)}` : ''}`;

/** One alert whole, as the outbox has it. 69 when it is not there (any more). */
export async function show(id: string, options: CommonOptions): Promise<ExitCode> {
  const { draft, entries } = read(options, view => ({ draft: view.draft(id), entries: view.list({ ids: [id] }) }));
  if (draft === null) throw new UnavailableError(`there is no alert ${escapeText(id)} in the outbox: it is delivered, or was never there`);
  if (options.format === 'json') printJson(draft);
  else {
    for (const entry of entries) print(line(entry));
    print(JSON.stringify(draft, null, 2));
  }
  return exitCode.ok;
}

/** Dead letters go to their sinks again, before all else. 1 when there were none. */
export async function retry(ids: readonly string[], options: RetryOptions): Promise<ExitCode> {
  if (ids.length === 0 && !options.all) return nothingNamed();
  const filter = { ...filterOf(options, 'dead'), ...ids.length > 0 && { ids: [...ids] } };
  const count = await change(options, { ask: 'outbox.retry', filter }, outbox => outbox.retry(filter));
  print(`${count} dead letters are sent again`);
  return count > 0 ? exitCode.ok : exitCode.findings;
}

/** Gives up dead letters, or with --pending what still waits. 1 when there were none. */
export async function drop(ids: readonly string[], options: DropOptions): Promise<ExitCode> {
  if (ids.length === 0 && !options.all) return nothingNamed();
  const filter = { ...filterOf(options, options.pending ? 'pending' : 'dead'), ...ids.length > 0 && { ids: [...ids] } };
  const count = await change(options, { ask: 'outbox.drop', filter }, (outbox, database) => {
    const dropped = database.transaction(() => {
      const gone = demand(outbox.drop(filter));
      demand(noteDrops(database, openState(database), gone));
      return gone;
    });
    return dropped.stored ? { stored: true, value: dropped.value.reduce((sum, each) => sum + each.count, 0) } : dropped;
  });
  print(`${count} ${options.pending ? 'alerts that waited' : 'dead letters'} are dropped`);
  return count > 0 ? exitCode.ok : exitCode.findings;
}

function filterOf({ sink, severity, before }: Choice, state: Entry['state'] | undefined): LetterFilter {
  return { ...sink !== undefined && { sink }, ...severity && { severity }, ...before !== undefined && { before }, ...state && { state } };
}

/** Nothing named is nothing meant. */
function nothingNamed(): ExitCode {
  process.stderr.write('mxwarden: name the alerts, or say --all for every one that the options choose\n');
  return exitCode.usage;
}

function read<T>(options: CommonOptions, question: (view: ReturnType<typeof viewOutbox>) => T): T {
  const { config } = loadConfig(configFile(options.config), registry);
  using database = openReadOnly(config.stateDirectory);
  return question(viewOutbox(database));
}

/** Through the agent when one runs, since the outbox is its own; by ourselves when none does. */
async function change(options: CommonOptions, question: { readonly ask: 'outbox.retry' | 'outbox.drop'; readonly filter: LetterFilter }, work: (outbox: Outbox, database: Database) => Stored<number>): Promise<number> {
  const { config }: Loaded = loadConfig(configFile(options.config), registry);
  try { return await ask(config.stateDirectory, question, 30_000); } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    // With an agent on the directory this fails, and says so: the agent's answer was the better reason then.
    openReadOnly(config.stateDirectory)[Symbol.dispose]();
    using database = openDatabase(config.stateDirectory, createLog({ level: 'warn', format: 'auto' }));
    const done = work(openOutbox(database, [...config.forwarders.keys()], { maxBytes: config.outbox.maxBytes, maxAgeMs: config.outbox.maxAgeDays * 86_400_000 }), database);
    return demand(done);
  }
}

function demand<T>(stored: Stored<T>): T {
  if (!stored.stored) throw stored.error;
  return stored.value;
}
