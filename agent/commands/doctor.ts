import { globSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { dirname } from 'node:path';
import { effectiveCapabilities, type Supply, supplyOf } from '../../collectors/kernel/needs.ts';
import { openCensus } from '../../collectors/kernel/procfs/census.ts';
import type { Member } from '../../collectors/kernel/procfs/member.ts';
import { registry } from '../assemble.ts';
import { loadConfig, type Loaded } from '../config/load.ts';
import type { Need } from '../contract/collector.ts';
import { UnavailableError } from '../contract/errors.ts';
import { ask } from '../control.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

interface Report {
  readonly host: { readonly name: string; readonly kernel: string; readonly uid: number; readonly capabilities: readonly string[] };
  readonly sensors: readonly { readonly name: string; readonly enabled: boolean; readonly needs: readonly (Supply & { readonly need: Need })[]; readonly works: boolean; readonly without: string }[];
  /** Of this kernel, whether a sensor needs it or not. */
  readonly interfaces: readonly (Supply & { readonly need: Need })[];
  readonly roots: readonly { readonly root: string; readonly found: number }[];
  readonly processes: readonly { readonly pid: number; readonly executable: string; readonly library: string; readonly version: string | null; readonly unexpected: string | null }[];
  readonly agent: string;
}

/** Long enough for two looks at every process. */
const lookMs = 1_500;

/** 0: every sensor that is on works. 2: some do not. 69: nothing can be seen. */
export async function doctor(options: CommonOptions): Promise<ExitCode> {
  const loaded = loadConfig(configFile(options.config), registry);
  process.chdir(dirname(loaded.file));
  const report = await examine(loaded);
  if (options.format === 'json') printJson(report);
  else for (const line of lines(report)) print(line);
  const on = report.sensors.filter(sensor => sensor.enabled);
  if (on.every(sensor => !sensor.works)) return exitCode.unavailable;
  return on.every(sensor => sensor.works) ? exitCode.ok : exitCode.incomplete;
}

async function examine({ config }: Loaded): Promise<Report> {
  const watch = config.collectors.get('watch') as { readonly roots?: readonly string[] } | undefined;
  return {
    host: { name: hostname(), kernel: release(), uid: process.geteuid?.() ?? -1, capabilities: effectiveCapabilities(config.host) },
    sensors: await Promise.all(registry.collectors.map(async collector => {
      const needs = await supplies(collector.needs, config.host);
      return { name: collector.name, enabled: config.collectors.has(collector.name), needs, works: needs.every(need => need.has), without: collector.without };
    })),
    interfaces: await supplies(['tracefs', 'uprobes', 'inotify', 'fanotify', 'bpf', 'bpf-lsm'], config.host),
    roots: (watch?.roots ?? []).map(root => ({ root, found: globSync(root).length })),
    processes: await findProcesses(config.host),
    agent: await agentState(config.stateDirectory),
  };
}

const supplies = (needs: readonly Need[], host: Loaded['config']['host']) => Promise.all(needs.map(async need => ({ need, ...await supplyOf(need, host) })));

async function findProcesses(host: Loaded['config']['host']): Promise<Report['processes']> {
  const problems: string[] = [];
  await using census = await openCensus(host, error => problems.push(error.message));
  await new Promise(resolve => setTimeout(resolve, lookMs));
  return [...census.members.values()].flatMap(({ process, libraries }: Member) => libraries.map(library => ({
    pid: process.pid, executable: process.executable.path, library: library.place.path, version: library.version, unexpected: library.unexpected,
  })));
}

async function agentState(stateDirectory: string): Promise<string> {
  try {
    const { pid, collectors } = await ask(stateDirectory, { ask: 'status' });
    return `runs as pid ${pid}, ${collectors.filter(one => one.state === 'armed').length} of ${collectors.length} collectors armed`;
  } catch (error) {
    if (error instanceof UnavailableError) return 'does not run on this configuration';
    throw error;
  }
}

function* lines({ host, sensors, interfaces, roots, processes, agent }: Report): Generator<string> {
  yield `host        ${host.name}, Linux ${host.kernel}`;
  yield `privileges  uid ${host.uid}, ${host.capabilities.join(' ') || 'no capability that matters'}`;
  yield `agent       ${agent}`;
  yield '';
  for (const sensor of sensors) {
    const mark = !sensor.enabled ? 'off' : sensor.works ? 'works' : 'missing';
    yield `${mark.padEnd(8)} ${sensor.name}${sensor.needs.length > 0 ? `: needs ${sensor.needs.map(need => need.need).join(', ')}` : ''}`;
    for (const need of sensor.needs) yield `           ${need.has ? 'has' : 'lacks'} ${need.need}: ${need.detail}`;
    if ((!sensor.works || !sensor.enabled) && sensor.without !== '') yield `           without it: ${sensor.without}`;
  }
  yield '';
  for (const { need, has, detail } of interfaces) yield `${need.padEnd(11)} ${has ? '' : 'missing: '}${detail}`;
  yield '';
  for (const { root, found } of roots) yield `model root  ${root}: ${found === 0 ? 'does not exist yet' : found === 1 ? 'exists' : `${found} folders`}`;
  yield processes.length === 0 ? 'MXNet       no process has it now' : `MXNet       ${processes.length} mapped libraries`;
  for (const one of processes) yield `  pid ${one.pid}  ${one.executable}  ${one.library}  ${one.version ?? 'version unknown'}${one.unexpected ? `  — ${one.unexpected}` : ''}`;
}
