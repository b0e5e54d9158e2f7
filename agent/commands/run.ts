import { dirname } from 'node:path';
import { globSync } from 'node:fs';
import { type Agent, assemble, registry } from '../assemble.ts';
import { expiredLines } from '../config/exceptions.ts';
import { loadConfig, type Loaded } from '../config/load.ts';
import { ConfigError } from '../contract/errors.ts';
import type { Log } from '../contract/component.ts';
import { createLog } from '../log.ts';
import { notify } from '../notify.ts';
import { version } from '../version.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode } from './command.ts';

interface RunOptions extends CommonOptions { readonly record?: string }

/** A stopping agent ends after so long, whatever still hangs. */
const longestStopMs = 4_800;

/** The agent, until SIGTERM or SIGINT. */
export async function run(options: RunOptions): Promise<ExitCode> {
  const file = configFile(options.config);
  const loaded = loadConfig(file, registry);
  const log = createLog(loaded.config.log);
  process.chdir(dirname(file));
  log.info(`mxwarden ${version} starts`, { config: file, state: loaded.config.stateDirectory });
  const stopping = signalled('SIGTERM', 'SIGINT');
  const agent = await assemble(loaded, log, options.record ?? null);
  log.info(armedLine(agent, performance.now()));
  for (const line of missingLines(agent)) log.warn(line);
  for (const line of blindLines(agent)) log.info(line);
  for (const line of expiredLines(loaded.config.exceptions, Date.now())) log.warn(line);
  for (const line of firstScreen(agent, loaded)) log.info(line);
  notify('READY=1', log);
  const reloading = reloadOnHangup(agent, file, log);
  const signal = await stopping;
  reloading[Symbol.dispose]();
  notify('STOPPING=1', log);
  log.info(`stopping on ${signal}`);
  return await stop(agent, log);
}

const signalled = (...signals: NodeJS.Signals[]) => new Promise<string>(resolve => {
  for (const signal of signals) process.on(signal, () => resolve(signal));
});

async function stop(agent: Agent, log: Log): Promise<ExitCode> {
  const late = new Promise<null>(resolve => setTimeout(() => resolve(null), longestStopMs).unref());
  const undelivered = await Promise.race([agent.stop(), late]);
  if (undelivered === null) {
    log.error(`stopped after ${longestStopMs} ms without waiting for what hangs`);
    tellLeft(agent.status().sinks.map(({ name, pending }) => [name, pending]), log);
    return exitCode.ok;
  }
  tellLeft(Object.entries(undelivered), log);
  return exitCode.ok;
}

function tellLeft(sinks: readonly (readonly [sink: string, count: number | null])[], log: Log): void {
  const left = sinks.filter(([, count]) => count !== 0);
  if (left.length === 0) log.info('stopped; everything is delivered');
  else log.warn(`stopped; still undelivered and kept for the next start: ${left.map(([sink, count]) => `${sink} ${count ?? 'unknown'}`).join(', ')}`);
}

/** Parse, check, swap; or keep the old and say why. One at a time. */
function reloadOnHangup(agent: Agent, file: string, log: Log): Disposable {
  let turn = Promise.resolve();
  const reload = () => {
    turn = turn.then(async () => {
      try {
        const next = loadConfig(file, registry);
        const needRestart = await agent.reload(next);
        for (const line of expiredLines(next.config.exceptions, Date.now())) log.warn(line);
        log.info('configuration reloaded', needRestart.length > 0 ? { onlyAfterRestart: needRestart.join(', ') } : {});
        log.info(armedLine(agent, null));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        for (const line of error.message.split('\n')) log.error(`the new configuration is not taken, the old one stays in force: ${line}`);
      }
    });
  };
  process.on('SIGHUP', reload);
  return { [Symbol.dispose]() { process.off('SIGHUP', reload); } };
}

/** One line: what is armed, at which level. */
function armedLine(agent: Agent, ms: number | null): string {
  const { collectors, sinks } = agent.status();
  const armed = collectors.filter(one => one.state === 'armed').map(one => one.sees ? `${one.name} (${one.sees})` : one.name);
  const missing = collectors.filter(one => one.state !== 'armed').map(one => one.name);
  const after = ms === null ? '' : ` in ${(ms / 1_000).toFixed(2)} s`;
  return `armed${after}: ${armed.join(', ') || 'nothing'}${missing.length > 0 ? `; not armed: ${missing.join(', ')}` : ''}; alerts go to ${sinks.map(sink => sink.name).join(', ') || 'nowhere'}`;
}

function* missingLines(agent: Agent): Generator<string> {
  for (const one of agent.status().collectors) {
    if (one.state !== 'armed') yield `${one.name} is ${one.state}: ${one.reason ?? 'no reason known'}`;
  }
}

function* blindLines(agent: Agent): Generator<string> {
  for (const one of agent.status().collectors) {
    if (one.blind.length > 0) yield `${one.name} does not see: ${one.blind.join('; ')}`;
  }
}

/** Where there is nothing to watch yet: what would be seen, and how to see a first alert. */
function* firstScreen(agent: Agent, { config }: Loaded): Generator<string> {
  const watch = config.collectors.get('watch') as { readonly roots?: readonly string[] } | undefined;
  const roots = (watch?.roots ?? []).filter(root => globSync(root).length > 0);
  const processes = agent.status().processes;
  if (roots.length > 0 || processes > 0) {
    yield `watching ${roots.length > 0 ? roots.join(', ') : 'no model folder'}; ${processes} processes with MXNet now`;
    return;
  }
  yield 'no model folder exists yet and no process has MXNet; both are noticed as soon as they appear';
  yield `  model folders looked for: ${(watch?.roots ?? []).join(', ') || 'none'}`;
  yield '  then every change of a model file, every load of it, and what the process does next is one story';
  yield '  to see a first alert: mkdir -p models && cp /bin/true models/resnet-0000.params';
}
