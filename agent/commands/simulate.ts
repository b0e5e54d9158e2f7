import { accessSync, constants, globSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { registry } from '../assemble.ts';
import { loadConfig, type Loaded } from '../config/load.ts';
import { UnavailableError } from '../contract/errors.ts';
import { escapeText } from '../contract/text.ts';
import { ask } from '../control.ts';
import { openPerformance, type Outcome, type Performance, type Result } from '../simulation/performance.ts';
import type { Scenario } from '../simulation/scenario.ts';
import { notActed, scenarios } from '../simulation/scenarios.ts';
import { openStage, type Stage } from '../simulation/stage.ts';
import type { Status } from '../status.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

interface SimulateOptions extends CommonOptions {
  readonly list?: boolean;
  readonly json?: boolean;
  readonly python?: string;
  readonly writeModels?: boolean;
  readonly timeout: number;
}

/** 0: all that was acted was seen, or the agent says that it cannot see it. 1: something was missed. 2: something could not be acted. 69: no agent, or no place to act. */
export async function simulate(names: readonly string[], options: SimulateOptions): Promise<ExitCode> {
  const chosen = choose(names, options);
  if (typeof chosen === 'string') { process.stderr.write(`mxwarden: ${escapeText(chosen)}\n`); return exitCode.usage; }
  const isJson = options.json === true || options.format === 'json';
  if (options.list) { list(chosen, isJson); return exitCode.ok; }
  const loaded = loadConfig(configFile(options.config), registry);
  const { stateDirectory } = loaded.config;
  const status = await askAgent(stateDirectory);
  requireSameHost(status, loaded);
  const interrupted = new AbortController();
  const stop = () => interrupted.abort();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop);
  try {
    using stage = openStage(chosen.flatMap(({ runs }) => runs ?? []), options.writeModels && chosen.some(({ writesModels }) => writesModels) ? modelRoot(loaded) : null);
    await using performance = await cast(stage, loaded, options, interrupted.signal);
    const outcomes = await play(performance, chosen, status, isJson, interrupted.signal);
    return verdict(outcomes, interrupted.signal.aborted);
  } catch (error) {
    if (interrupted.signal.aborted && error instanceof UnavailableError) return exitCode.incomplete;
    throw error;
  } finally { for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, stop); }
}

/** Which are meant; a sentence when that is not clear. */
function choose(names: readonly string[], { writeModels, list: isList }: SimulateOptions): readonly Scenario[] | string {
  if (names.length === 0 || names.includes('all')) return names.length > 1 ? '"all" stands alone' : scenarios.filter(each => writeModels || isList || !each.writesModels);
  const unknown = names.find(name => scenarios.every(each => each.name !== name));
  if (unknown !== undefined) return `there is no scenario "${unknown}"; mxwarden simulate --list names them`;
  const chosen = scenarios.filter(({ name }) => names.includes(name));
  const writing = chosen.find(({ writesModels }) => writesModels);
  return writing === undefined || writeModels || isList ? chosen : `"${writing.name}" writes into a folder of its own below a model root; allow that with --write-models`;
}

async function askAgent(stateDirectory: string): Promise<Status> {
  try { return await ask(stateDirectory, { ask: 'status' }); } catch (error) {
    if (error instanceof UnavailableError) throw new UnavailableError(`${error.message}\nstart it by mxwarden run, or name its configuration by --config FILE`, { cause: error });
    throw error;
  }
}

/** Its processes must be numbered as ours are: a deed is known by the process that did it. */
function requireSameHost({ pid }: Status, { config }: Loaded) {
  if (config.host.proc !== '/proc') throw new UnavailableError(`the agent looks at ${config.host.proc}, not at this host: simulate where its processes are`);
  const namespaceOf = (who: number | 'self') => { try { return readlinkSync(`/proc/${who}/ns/pid`); } catch { return null; } };
  const [theirs, own] = [namespaceOf(pid), namespaceOf('self')];
  if (theirs === null || theirs !== own) throw new UnavailableError(`the agent (pid ${pid}) runs in another place than this shell, such as a container: simulate beside it, as the same user or root`);
}

/** The first folder of the agent's model roots that is there and can be written. */
function modelRoot({ file, config }: Loaded): string | null {
  const watch = config.collectors.get('watch') as { readonly roots?: readonly string[] } | undefined;
  const isWritable = (path: string) => { try { accessSync(path, constants.W_OK); return statSync(path).isDirectory(); } catch { return false; } };
  return (watch?.roots ?? []).flatMap(root => globSync(root, { cwd: dirname(file) }).map(found => found.startsWith('/') ? found : `${dirname(file)}/${found}`)).find(isWritable) ?? null;
}

/** With MXNet when the Python has it; a stand-in where no Python was asked for by name. */
async function cast(stage: Stage, { config }: Loaded, { python, timeout }: SimulateOptions, signal: AbortSignal): Promise<Performance> {
  const direction = { stage, stateDirectory: config.stateDirectory, host: config.host, python: python ?? 'python3', patienceMs: timeout, signal };
  try { return await openPerformance({ ...direction, library: 'mxnet' }); } catch (error) {
    if (!(error instanceof UnavailableError) || python !== undefined || signal.aborted) throw error;
    return await openPerformance({ ...direction, library: stage.library });
  }
}

const order: readonly Result[] = ['seen', 'missed', 'blind', 'skipped'];
const shown: Readonly<Record<Result, string>> = { seen: 'seen', missed: 'MISSED', blind: 'blind', skipped: 'skipped' };

async function play(performance: Performance, chosen: readonly Scenario[], status: Status, isJson: boolean, signal: AbortSignal): Promise<readonly Outcome[]> {
  const level = status.collectors.find(({ name }) => name === 'mxnet')?.sees ?? 'none';
  if (!isJson) print(`acted by ${escapeText(performance.about)}; asked: agent ${status.agent}, pid ${status.pid}, level ${level}\n`);
  const outcomes: Outcome[] = [];
  for (const scenario of chosen) {
    if (signal.aborted) break;
    const outcome = await performance.play(scenario);
    outcomes.push(outcome);
    if (isJson) printJson(asJson(outcome)); else for (const line of lines(outcome)) print(line);
  }
  const counts = Object.fromEntries(order.map(result => [result, outcomes.filter(each => each.result === result).length]));
  if (isJson) printJson({ version: 1, summary: { ...counts, notPlayed: chosen.length - outcomes.length, actor: performance.about, agent: status.agent, level } });
  else print(`\n${counts['seen']} seen, ${counts['missed']} missed, ${counts['blind']} blind at this level, ${counts['skipped']} not acted${signal.aborted ? '; interrupted' : ''}; acted by ${escapeText(performance.about)}`);
  return outcomes;
}

function verdict(outcomes: readonly Outcome[], isInterrupted: boolean): ExitCode {
  if (outcomes.some(({ result }) => result === 'missed')) return exitCode.findings;
  return isInterrupted || outcomes.some(({ result }) => result === 'skipped') ? exitCode.incomplete : exitCode.ok;
}

const asJson = ({ scenario, result, finding, why }: Outcome) => ({
  version: 1, scenario: scenario.name, rule: scenario.rule, techniques: scenario.techniques, result,
  said: finding?.rule ?? null, severity: finding?.severity ?? null, ms: finding?.ms ?? null, collector: finding?.collector ?? null, level: finding?.level ?? null, why,
});

function* lines({ scenario, result, finding, why }: Outcome): Generator<string> {
  const ms = finding === null ? '' : `${finding.ms} ms`;
  yield `${scenario.name.padEnd(30)} ${(finding?.rule ?? scenario.rule).padEnd(32)} ${shown[result].padEnd(8)} ${ms.padStart(8)}  ${(finding?.level ?? '–').padEnd(9)} ${scenario.techniques.join(' ')}`;
  if (why !== null) yield `${' '.repeat(31)}${escapeText(why)}`;
}

function list(chosen: readonly Scenario[], isJson: boolean) {
  if (isJson) {
    for (const { name, rule, techniques, does, needsRoot = false, writesModels = false } of chosen) printJson({ version: 1, scenario: name, rule, techniques, does, needsRoot, writesModels });
    for (const [rule, why] of Object.entries(notActed)) printJson({ version: 1, notActed: rule, why });
    return;
  }
  for (const { name, rule, techniques, does, needsRoot, writesModels } of chosen) {
    print(`${name.padEnd(30)} ${rule.padEnd(32)} ${techniques.join(' ')}${needsRoot ? ' (root)' : ''}${writesModels ? ' (--write-models)' : ''}`);
    print(`${' '.repeat(31)}${does}`);
  }
  print('\nnot acted:');
  for (const [rule, why] of Object.entries(notActed)) print(`  ${rule.padEnd(30)} ${why}`);
}
