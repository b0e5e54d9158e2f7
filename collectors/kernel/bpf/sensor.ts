/*
 * The sensor process: loads our programs into the kernel and reads their rings.
 *
 * Owns programs, links, maps and rings; all of them are gone from the kernel when it ends, however it ends. Must not own:
 * any judgement, any name resolution, any thought about what a record means. Hands over records as the kernel wrote them,
 * in their order, on descriptor 3.
 *
 * A process of its own, because it needs privilege and calls into C; it is only ever ended by SIGKILL, which it gives
 * itself when the agent is gone.
 */
import { flushCompileCache } from 'node:module';
import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import { receive } from '../tracefs/wire.ts';
import { type Armament, arm } from './armament.ts';
import { decodeRecords, withoutYielding } from './decode.ts';
import { createWait, type Libbpf, loadLibbpf } from './library.ts';
import { createProbing, type Probing } from './probing.ts';
import { openRing, type Ring } from './ring.ts';
import { act, isSeen } from './selftest.ts';
import { type RecordName, records, settings } from './table.ts';
import { createWatching, type Watching } from './watching.ts';
import { frameOf, frameOfRecords, type Order, reasonsOf, type Setup, type Told } from './wire.ts';

/** Beyond the first, what one process can make without end is dropped; beyond the second, everything. */
const [muchUnsent, mostUnsent] = [8 << 20, 32 << 20];
const batchBytes = 256 << 10;
const countMs = 1_000;
const waitMs = 10_000;
/** How often it may be woken in 100 ms before it rests for a moment after each time. */
const [eagerWakes, restMs] = [64, 2];

const setup = JSON.parse(process.argv[2] ?? '') as Setup;
const socket = new Socket({ fd: 3, readable: true, writable: true });
Error.stackTraceLimit = 2;
try { setPriority(-15); } catch (error) { setTimeout(() => say({ kind: 'trouble', text: `no higher priority: ${String(error)}` })); }

const end = (): never => { process.kill(process.pid, 'SIGKILL'); throw new Error('unreachable'); };
socket.on('close', end).on('error', end).on('end', end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { /* The agent stops us: it may still need what we read. */ });
setTimeout(flushCompileCache, 1_000); // It never ends in order, which is when it would be written otherwise.

const say = (told: Told): void => { socket.write(frameOf(told)); };
let drain: (() => void) | undefined;
let unsent = 0;
const typeNames = new Map(Object.entries(records).map(([name, { id }]) => [id as number, name as RecordName]));

function run(): void {
  const bpf = loadLibbpf();
  const armament = arm(bpf, setup);
  const entry = armament.programs.get('call_entered');
  const exit = armament.programs.get('call_returned');
  if (entry === undefined || exit === undefined) throw new UnavailableError('the programs for calls are missing');
  const probing = createProbing(bpf, entry, exit);
  const types = Math.max(...typeNames.keys()) + 1;
  const maps = { watched: armament.map('watched'), moved: armament.map('moved'), libraries: armament.map('libraries'), lost: armament.map('lost'), types };
  const watching = createWatching(bpf, maps, { proc: setup.proc, sys: setup.sys, tracefs: '' });
  const descriptors = [armament.map('main_ring'), armament.map('bulk_ring')] as const;
  const rings = [openRing(descriptors[0], setup.mainBytes), openRing(descriptors[1], setup.bulkBytes)];
  const bits = (armament.attached.has('connecting4') ? settings.cgroup : 0) | (['bytes_sent', 'fexit_sent4'].some(name => armament.attached.has(name)) ? settings.sending : 0);
  bpf.update(armament.map('settings'), Buffer.alloc(4), Buffer.from([bits, 0, 0, 0]), 0);
  for (const [name, why] of armament.syscalls(true)) {
    const index = armament.sights.findIndex(({ way }) => way?.includes(name));
    const sight = armament.sights[index];
    if (sight !== undefined) armament.sights[index] = { ...sight, way: null, refused: [...sight.refused, [name, `not attached, ${why}`]] };
  }
  tryOut(bpf, armament, watching, probing, rings);
  armament.syscalls(false);
  receive<Order>(socket, order => obey(order, watching, probing));
  void pump(rings, createWait(descriptors));
  count(watching, armament.syscalls);
  say({ kind: 'ready', sights: armament.sights });
}

/** Throws UnavailableError when what the rest stands on is not seen; what else is not is told as not seen. */
function tryOut(bpf: Libbpf, { sights }: Armament, watching: Watching, probing: Probing, rings: readonly Ring[]): void {
  if (watching.adopt(process.pid).length === 0) throw new UnavailableError(`${setup.proc} does not show this process`);
  const why = act(bpf, setup.proc, probing);
  if (why !== null) throw new UnavailableError(`no function can be probed: ${why}`);
  const moved = watching.takeMoved();
  const seen = rings.flatMap(ring => { const bytes = ring.take(Infinity); return bytes === null ? [] : decodeRecords(bytes).records; });
  watching.forget(process.pid);
  for (const ring of rings) ring.take(Infinity); // That, too, may have been seen.
  for (const [index, sight] of sights.entries()) {
    if (sight.way === null || isSeen(sight.fact, process.pid, seen, moved)) continue;
    sights[index] = { ...sight, way: null, refused: [...sight.refused, ...sight.way.map(name => [name, 'attached, but what we did ourselves was not seen'] as const)] };
  }
  const core = ['forks', 'executed programs', 'ends of processes', 'calls into libmxnet'];
  const blind = sights.filter(({ fact, way }) => core.includes(fact) && way === null);
  if (blind.length > 0) throw new UnavailableError(`${blind.map(({ fact, refused }) => `${fact} (${reasonsOf(refused)})`).join('; ')}; in a container the agent needs the host's process ids`);
}

function obey(order: Order, watching: Watching, probing: Probing): void {
  switch (order.do) {
    case 'attach':
      watching.know(order.file);
      say({
        kind: 'done', id: order.id,
        refused: order.places.flatMap(place => { const why = probing.attach(order.path, place); return why === null ? [] : [{ probe: place.probe, why }]; }),
      });
      break;
    case 'detach': for (const probe of order.probes) probing.detach(probe); say({ kind: 'done', id: order.id, refused: [] }); break;
    case 'watch': try { say({ kind: 'adopted', root: order.pid, members: watching.adopt(order.pid) }); } catch (error) {
      say({ kind: 'trouble', text: String(error) });
      say({ kind: 'lost', what: 'any', where: 'collector', count: 1 });
    } break;
    case 'answer': drain?.(); say({ kind: 'done', id: order.id, refused: [] }); break;
    default: order satisfies never;
  }
}

/** Never waits for the agent: what it does not take in time is dropped and counted. */
async function pump(rings: readonly Ring[], wait: (timeoutMs: number) => Promise<void>): Promise<void> {
  drain = () => { for (const ring of rings) for (let batch = ring.take(batchBytes); batch !== null; batch = ring.take(batchBytes)) hand(batch); };
  for (let wakes = 0, since = performance.now(); ;) {
    await wait(waitMs);
    drain();
    wakes += 1;
    if (performance.now() - since > 100) { since = performance.now(); wakes = 0; }
    if (wakes > eagerWakes) await sleep(restMs);
  }
}

function hand(batch: Buffer): void {
  if (socket.writableLength > mostUnsent) { unsent += decodeRecords(batch).records.length; return; }
  const { kept, dropped } = socket.writableLength > muchUnsent ? withoutYielding(batch) : { kept: batch, dropped: 0 };
  unsent += dropped;
  tellUnsent();
  if (kept.length > 0) socket.write(frameOfRecords(kept));
}

function tellUnsent(): void {
  if (unsent === 0 || socket.writableLength > muchUnsent) return;
  say({ kind: 'lost', what: 'any', where: 'collector', count: unsent });
  unsent = 0;
}

/** Each second: losses, bytes, and whether anybody is there for whom system calls are to be watched. */
function count(watching: Watching, syscalls: Armament['syscalls']): void {
  let since = performance.now();
  setInterval(() => {
    syscalls(watching.isAnyone());
    tellUnsent();
    for (const [type, lost] of watching.takeLost()) say({ kind: 'lost', what: typeNames.get(type) ?? 'any', where: 'kernel', count: lost });
    const sums = watching.takeMoved();
    const now = performance.now();
    if (sums.length > 0) say({ kind: 'moved', at: Number(process.hrtime.bigint()), intervalMs: Math.round(now - since), sums });
    since = now;
  }, countMs);
}

try { run(); } catch (error) {
  if (!(error instanceof UnavailableError)) throw error;
  say({ kind: 'unavailable', why: error.message });
}
