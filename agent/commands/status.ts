import { registry } from '../assemble.ts';
import { loadConfig } from '../config/load.ts';
import { escapeText } from '../contract/text.ts';
import { ask } from '../control.ts';
import type { SinkStatus, Status } from '../status.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

/** 0: all is well. 2: it runs, but something is not seen, stored or delivered. 69: no agent answers. */
export async function status(options: CommonOptions): Promise<ExitCode> {
  const { config } = loadConfig(configFile(options.config), registry);
  const told = await ask(config.stateDirectory, { ask: 'status' });
  if (options.format === 'json') printJson(told);
  else for (const line of lines(told)) print(line);
  return isWell(told) ? exitCode.ok : exitCode.incomplete;
}

const isWell = (told: Status): boolean => told.storeFailure === null && told.events.lost === 0
  && told.collectors.every(one => one.state === 'armed') && told.sinks.every(sink => sink.dead === 0 && sink.reason === null);

function* lines(told: Status): Generator<string> {
  yield `mxwarden ${told.agent}, pid ${told.pid}, up ${duration(Date.now() - told.startedAt)}, ${Math.round(told.memoryBytes / 1_048_576)} MiB, ${told.cpuSeconds.toFixed(1)} s of CPU`;
  for (const one of told.collectors) {
    yield `  ${one.name.padEnd(10)} ${one.state}${one.sees ? ` (${one.sees})` : ''}${one.reason ? `: ${one.reason}` : ''}${one.restarts > 0 ? `, restarted ${one.restarts} times` : ''}`;
    for (const blind of one.blind) yield `             does not see ${blind}`;
  }
  yield `  processes with MXNet  ${told.processes}`;
  yield `  events     ${told.events.emitted} seen, ${told.events.waiting} waiting, ${told.events.lost + told.events.dropped} lost`;
  yield `  findings   ${told.detectors.findings}; incidents open ${told.incidents.open}${told.incidents.suppressed > 0 ? `, ${told.incidents.suppressed} findings only counted` : ''}`;
  if (told.exceptions.length > 0) yield `  exceptions ${told.exceptions.filter(one => !one.expired).length} in force; findings suppressed: ${told.exceptions.reduce((sum, one) => sum + one.suppressed, 0)}`;
  for (const one of told.exceptions.filter(each => each.expired)) yield `             expired on ${one.expires}: ${escapeText(`${one.rule} of ${one.owner}`)}`;
  yield `  inspected  ${told.inspector.inspected} files, ${told.inspector.waiting} waiting, ${told.inspector.unread} not read`;
  const dropped = Object.entries(told.outbox.dropped).map(([severity, count]) => `${count} ${severity}`);
  if (dropped.length > 0) yield `  DROPPED    alerts that not every sink had: ${dropped.join(', ')}`;
  if (told.audit !== null) yield `  audit      ${auditLine(told.audit)}`;
  if (told.storeFailure !== null) yield `  STORE      ${told.storeFailure}`;
  for (const sink of told.sinks) yield* sinkLines(sink);
}

function auditLine({ epoch, size, checkpoint }: NonNullable<Status['audit']>): string {
  const where = epoch === null ? 'the trail cannot be used now' : `epoch ${epoch}, ${size} records`;
  return `${where}${checkpoint === null ? '' : `; signed up to ${checkpoint.size} ${duration(Date.now() - checkpoint.at)} ago`}`;
}

function* sinkLines({ name, state, pending, bytes, oldestAt, dead, reason, lastSuccessAt, lastError }: SinkStatus): Generator<string> {
  const oldest = oldestAt !== null && pending > 0 ? ` (${bytes} bytes, oldest ${duration(Date.now() - oldestAt)})` : '';
  const success = lastSuccessAt === null ? '' : `, last success ${duration(Date.now() - lastSuccessAt)} ago`;
  yield `  → ${name.padEnd(8)} ${state}, ${pending} undelivered${oldest}${dead > 0 ? `, ${dead} dead letters` : ''}${success}${reason ? `: ${reason}` : ''}`;
  if (reason === null && lastError !== null) yield `             last error ${duration(Date.now() - lastError.at)} ago: ${escapeText(lastError.reason)}`;
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
