import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { steppedClock, type SteppedClock } from '../services/clock.ts';
import { type RealCollector, startCollector } from '../services/collector.ts';
import { type RealKafka, startKafka } from '../services/kafka.ts';
import { startWire, type Wire } from '../services/proxy.ts';
import { mustRun, run } from '../services/run.ts';
import type { Round } from './faults.ts';
import { type RunningAgent, type Scene, scene, startAgent } from './rig.ts';

export const topic = 'mxwarden.alerts';

/** An agent, a broker and a Collector with a durable queue, with everything between them that can fail. */
export interface World extends AsyncDisposable {
  readonly at: Scene;
  readonly state: string;
  readonly broker: RealKafka;
  readonly collector: RealCollector;
  /** What all agents so far have said. */
  said(): string;
  /** Lets one fault begin, last and end. */
  strike(round: Round): Promise<void>;
}

const sensorsOfTheKernel = ['system', 'mxnet', 'exec', 'network', 'secrets', 'usage'];
/** `diskMiB`: the size of the file system that the agent's state has for itself. */
export async function startWorld(diskMiB: number): Promise<World> {
  await using undo = new AsyncDisposableStack();
  const clock = undo.use(await steppedClock());
  const [toBroker, toCollector] = [undo.use(await startWire()), undo.use(await startWire())];
  const collector = undo.use(await startCollector({ durable: true }));
  const broker = undo.use(await startKafka({ properties: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${toBroker.port}` } }));
  [toBroker.target, toCollector.target] = [broker.bootstrap, new URL(collector.http).host].map(host => Number(host.split(':').at(-1))) as [number, number];
  await broker.createTopic(topic);

  const at = undo.use(await scene({
    collectors: { watch: { stableMs: 100 }, ...Object.fromEntries(sensorsOfTheKernel.map(name => [name, { enabled: false }])) },
    incidents: { maxOpen: 10_000, quietMs: 5_000 },
  }, {
    stdout: { enabled: false }, file: { enabled: false },
    kafka: { brokers: [`127.0.0.1:${toBroker.port}`], topic, connectionTimeoutMs: 2_000, requestTimeoutMs: 5_000 },
    otlp: { endpoint: `http://127.0.0.1:${toCollector.port}`, timeoutMs: 5_000 },
  }));
  const state = join(at.folder, 'state');
  await mkdir(state);
  await mustRun('mount', ['-t', 'tmpfs', '-o', `size=${diskMiB}m,mode=0700`, 'tmpfs', state]);
  undo.defer(async () => { await mustRun('umount', ['-l', state]); });

  const agents = [await startAgent(at, [], clock.env)];
  undo.defer(async () => { await agents.at(-1)?.[Symbol.asyncDispose](); });
  const parts: Parts = {
    clock, toBroker, toCollector, broker, collector, filler: join(state, 'filler'), offMs: 0,
    async killAgent() {
      const agent = agents.at(-1);
      agent?.signal('SIGKILL');
      await agent?.exited;
    },
    async startAgent() { agents.push(await startAgent(at, [], clock.env)); },
  };
  const owned = undo.move();
  return {
    at, state, broker, collector,
    said: () => agents.map((agent: RunningAgent) => agent.stderr()).join(''),
    strike: round => strike(round, parts),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Parts {
  readonly clock: SteppedClock;
  readonly toBroker: Wire;
  readonly toCollector: Wire;
  readonly broker: RealKafka;
  readonly collector: RealCollector;
  readonly filler: string;
  offMs: number;
  killAgent(): Promise<void>;
  startAgent(): Promise<void>;
}

async function strike({ fault, holdMs, stepMs }: Round, parts: Parts): Promise<void> {
  const { clock, toBroker, toCollector, broker, collector } = parts;
  const hold = () => delay(holdMs);
  const step = async (ms: number) => { parts.offMs += ms; clock.set(parts.offMs); await hold(); };
  switch (fault) {
    case 'agent.killed': await parts.killAgent(); await hold(); await parts.startAgent(); break;
    case 'broker.killed': await broker.kill(); await hold(); await broker.restart(); break;
    case 'broker.paused': broker.pause(); await hold(); broker.resume(); break;
    case 'collector.killed': await collector.kill(); await hold(); await collector.restart(); break;
    case 'collector.paused': collector.pause(); await hold(); collector.resume(); break;
    case 'disk.full': await fill(parts.filler); await hold(); await rm(parts.filler); break;
    case 'disk.full-and-agent-killed': await fill(parts.filler); await hold(); await parts.killAgent(); await rm(parts.filler); await parts.startAgent(); break;
    case 'wire.to-broker-cut': toBroker.cut(); await hold(); toBroker.mend(); break;
    case 'wire.to-broker-stalled': toBroker.stall(); await hold(); toBroker.mend(); break;
    case 'wire.to-collector-cut': toCollector.cut(); await hold(); toCollector.mend(); break;
    case 'wire.to-collector-stalled': toCollector.stall(); await hold(); toCollector.mend(); break;
    case 'clock.forward': await step(stepMs); break;
    case 'clock.back': await step(-stepMs); break;
    default: fault satisfies never;
  }
}

/** To the last byte: dd ends with "no space left". */
async function fill(path: string): Promise<void> {
  await run('dd', ['if=/dev/zero', `of=${path}`, 'bs=64k', 'status=none']);
  await run('dd', ['if=/dev/zero', `of=${path}`, 'bs=4k', 'oflag=append', 'conv=notrunc', 'status=none']);
}
