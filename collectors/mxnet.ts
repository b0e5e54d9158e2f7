import { glob } from 'node:fs/promises';
import { z } from 'zod';
import { type CollectorPort, defineCollector } from '../agent/contract/collector.ts';
import { UnavailableError } from '../agent/contract/errors.ts';
import type { MxnetCalled } from '../agent/contract/event.ts';
import type { Process } from '../agent/contract/process.ts';
import { openCensus } from './kernel/procfs/census.ts';
import { describeProcess } from './kernel/procfs/describe.ts';
import { type LevelListener, openSensor, type Sensor } from './kernel/bpf/level.ts';
import { createBudget } from './kernel/tracefs/budget.ts';
import type { Call } from './kernel/tracefs/calls.ts';
import { nameIn, nameOf, otherArgument, resolveName, unresolvedName } from './kernel/tracefs/naming.ts';
import { forkedPortrait } from './kernel/tracefs/portrait.ts';
import type { Entered, Named } from './kernel/tracefs/wire.ts';
import { watchDescriptors } from './kernel/tracefs/descriptors.ts';

const usualPlaces = [
  '/usr/lib/python3*/*-packages/mxnet/libmxnet.so', '/usr/local/lib/python3*/*-packages/mxnet/libmxnet.so',
  '/opt/*/lib/python3*/site-packages/mxnet/libmxnet.so', '/opt/*/envs/*/lib/python3*/site-packages/mxnet/libmxnet.so',
  '/usr/lib/libmxnet.so', '/usr/local/lib/libmxnet.so', '/opt/*/lib/libmxnet.so',
];
const config = z.strictObject({
  /** Libraries (globs) to be watched before any process has them. Others are found when a process maps them. */
  libraries: z.array(z.string()).default(usualPlaces),
  /** Of each CPU, in the kernel. */
  bufferKb: z.int().min(64).max(65_536).default(1_024),
  mountTracefs: z.boolean().default(true),
  /** `best`: programs in the kernel where they work, else tracefs. */
  level: z.enum(['best', 'bpf', 'tracefs']).default('best'),
  /** Only without privilege: how often to look for model files among open descriptors. */
  pollMs: z.int().min(50).max(10_000).default(150),
});
type Config = z.infer<typeof config>;

const blindAlways = [
  'loads right after a library that no process had before is mapped, until it is probed (libraries in the configured places are probed before)',
  'models read by Python itself, such as optimizer states without arrays: no function of the library sees them',
  'a library without symbols or with other names for its functions, and a process that rewrites its own code before it loads',
  'processes in a sandbox that has a kernel of its own (gVisor, Kata)',
];
const blindWithout = [
  'most loads: a load is seen only when the file is open at the moment of a poll',
  'outcomes and crashes: nothing tells how a load ended',
  'loads from memory: only files have descriptors',
];
const mostBlind = 64;
const mostPortraits = 1_024;
const freshMs = 100;
/** Beyond it a name is told without its place and file: the agent must not be slowed by who calls without end. */
const looksPerSecond = 1_000;

/** Which model each MXNet process loads, through which function, and how that ended: by probes on libmxnet itself. */
export default defineCollector({
  name: 'mxnet',
  needs: ['root', 'kernel'],
  without: blindWithout[0] ?? '',
  config,
  async start(settings, port) {
    let sensor: Sensor;
    try {
      sensor = await openSensor(port.host, { log: port.log, level: settings.level, bufferKb: settings.bufferKb, mount: settings.mountTracefs });
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      port.log.warn(`loads are not seen by probes: ${error.message}`);
      return startUnprivileged(settings, port);
    }
    try { return await startProbing(settings, port, sensor); } catch (error) { await sensor[Symbol.asyncDispose](); throw error; }
  },
});

async function startProbing({ libraries }: Config, port: CollectorPort, sensor: Sensor): Promise<AsyncDisposable> {
  const blind = [...blindAlways, ...sensor.probes.blind];
  const expected = blind.length;
  const say = (state: 'armed' | 'degraded' | 'down', why: readonly string[] = []): void =>
    port.emit({ kind: 'sensor.changed', at: Date.now(), sensor: 'mxnet', level: sensor.level, state, blind: [...why, ...blind] });
  let armed = false;

  async function probe(openPath: string, shown: string): Promise<void> {
    try {
      const added = await sensor.probes.add(openPath);
      if (added !== null) port.log.info('probes placed', { library: shown, functions: added.functions.length });
    } catch (error) {
      const unseen = `loads through ${shown}: ${error instanceof Error ? error.message : String(error)}`;
      if (blind.includes(unseen)) return;
      if (blind.length < mostBlind) blind.push(unseen);
      port.log.error('a library cannot be probed', { library: shown, why: String(error) });
      if (armed) say('degraded');
    }
  }

  sensor.join({ ...tellCalls(port, sensor), lost: draft => port.emit(draft), changed: (state, why) => say(state, [why]) });
  const first: Promise<void>[] = [];
  sensor.census.join({ mapped(_, library) { const done = probe(library.openPath, library.place.path); if (!armed) first.push(done); } });
  for (const pattern of libraries) for await (const path of glob(pattern)) await probe(path, path);
  await Promise.all(first);
  armed = true;
  say(blind.length > expected ? 'degraded' : 'armed');
  return sensor;
}

/** What must be looked at while the call is under way, and what is told when it is over. */
function tellCalls(port: CollectorPort, sensor: Sensor): Required<Pick<LevelListener, 'entering' | 'called'>> {
  const arguments_ = new WeakMap<Named | Entered, MxnetCalled['argument']>();
  const portraits = new Map<number, { readonly at: number; readonly process: Process }>();
  const mayLook = createBudget(looksPerSecond);

  function portray(pid: number): Process | undefined {
    const known = portraits.get(pid);
    if (known !== undefined && performance.now() - known.at < freshMs) return known.process;
    const process = describeProcess(port.host, pid);
    // A name in brackets: it has ended, and shows no more than that.
    const before = known?.process ?? sensor.census.members.get(pid)?.process;
    if (process === null || (process.executable.path.startsWith('[') && before !== undefined)) return before;
    portraits.delete(pid);
    portraits.set(pid, { at: performance.now(), process });
    const oldest = portraits.size > mostPortraits ? portraits.keys().next().value : undefined;
    if (oldest !== undefined) portraits.delete(oldest);
    return process;
  }

  return {
    entering(record) {
      const shape = sensor.probes.sites.get(record.probe)?.shape;
      const name = shape?.argument === 'path' ? nameIn(record) : undefined;
      if (name !== undefined && mayLook()) arguments_.set(record, resolveName(port.host, record.tid, name));
      if (record.pid === null) return;
      portray(record.pid);
      if (!sensor.census.members.has(record.pid)) sensor.census.look(record.pid);
      if (shape !== undefined && shape.argument !== 'none') sensor.census.noteLoad(record.pid);
    },
    called(call) {
      const shape = sensor.probes.sites.get(call.site.probe)?.shape;
      if (shape === undefined) { port.emit({ kind: 'events.lost', at: Date.now(), where: 'collector', what: 'mxnet.called', count: 1 }); return; }
      const pid = call.pid ?? call.tid;
      const process = portray(pid) ?? call.process ?? forkedPortrait({ pid, startTicks: sensor.clock.startTicks(call.startedAt) }, null);
      // Python's own package does so at import; what comes later is for others to judge.
      if (shape.argument === 'none') { port.emit({ kind: 'mxnet.registered', at: sensor.clock.epoch(call.startedAt), process, thread: call.tid, outcome: call.outcome }); return; }
      port.emit({
        kind: 'mxnet.called', at: sensor.clock.epoch(call.startedAt), process, thread: call.tid, api: call.site.name,
        argument: shape.argument === 'path' ? pathArgument(call) : otherArgument(shape, call),
        outcome: call.outcome, signal: call.signal, durationMs: (call.endedAt - call.startedAt) / 1e6,
      });
    },
  };

  function pathArgument(call: Call): MxnetCalled['argument'] {
    const name = nameOf(call);
    if ('why' in name) return { type: 'unread', why: name.why };
    const record = [call.named, call.entered].find(each => each !== null && nameIn(each)?.equals(name.bytes));
    return (record && arguments_.get(record)) ?? (mayLook() ? resolveName(port.host, call.tid, name.bytes) : unresolvedName(name.bytes));
  }
}

async function startUnprivileged({ pollMs }: Config, port: CollectorPort): Promise<AsyncDisposable> {
  const census = await openCensus(port.host, error => port.log.warn(error.message));
  const watch = watchDescriptors({
    host: port.host, pollMs, members: census.members,
    opened: told => port.emit({ kind: 'file.opened', at: Date.now(), ...told }),
    skipped: count => port.emit({ kind: 'events.lost', at: Date.now(), where: 'collector', what: 'file.opened', count }),
  });
  port.emit({ kind: 'sensor.changed', at: Date.now(), sensor: 'mxnet', level: 'unprivileged', state: 'degraded', blind: blindWithout });
  return { async [Symbol.asyncDispose]() { watch[Symbol.dispose](); await census[Symbol.asyncDispose](); } };
}
