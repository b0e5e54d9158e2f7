import { registry } from '../assemble.ts';
import { loadConfig } from '../config/load.ts';
import { escapeText } from '../contract/text.ts';
import { openReadOnly } from '../store/database.ts';
import { viewOutbox } from '../store/outbox-view.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

interface ListOptions extends CommonOptions { readonly sink?: string; readonly dead?: boolean }

/** What is not delivered yet, by sink; works beside a running agent. 0: nothing waits. 1: something does. */
export async function list(options: ListOptions): Promise<ExitCode> {
  const { config } = loadConfig(configFile(options.config), registry);
  using database = openReadOnly(config.stateDirectory);
  const view = viewOutbox(database);
  const entries = view.list({ ...(options.sink === undefined ? {} : { sink: options.sink }), ...(options.dead ? { state: 'dead' as const } : {}) });
  for (const entry of entries) {
    if (options.format === 'json') printJson(entry);
    else print(`${new Date(entry.at).toISOString()}  ${entry.sink.padEnd(8)} ${entry.state.padEnd(8)} ${entry.severity.padEnd(8)} ${entry.id}  ${escapeText(entry.title ?? '(unreadable)')}${entry.buried ? `  — ${escapeText(entry.buried.reason)}` : ''}`);
  }
  if (options.format !== 'json') print(entries.length === 0 ? 'everything is delivered' : `${entries.length} ${options.dead ? 'dead letters' : 'waiting'}`);
  return entries.length === 0 ? exitCode.ok : exitCode.findings;
}
