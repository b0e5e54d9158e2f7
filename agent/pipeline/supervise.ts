import type { Collector, CollectorPort } from '../contract/collector.ts';
import type { HostPaths, Log } from '../contract/component.ts';
import { UnavailableError } from '../contract/errors.ts';
import type { Draft } from '../contract/event.ts';

export interface CollectorState {
  readonly name: string;
  readonly state: 'starting' | 'armed' | 'unavailable' | 'restarting' | 'stopped';
  /** Why it is not armed. */
  readonly reason: string | null;
  readonly restarts: number;
}

export interface Supervision extends AsyncDisposable {
  /** In the order of the list. */
  states(): readonly CollectorState[];
  /** Starts, stops and starts again only what these settings change. */
  apply(configs: ReadonlyMap<string, unknown>): Promise<void>;
}

export interface SupervisorPort {
  readonly host: HostPaths;
  readonly log: Log;
  emit(collector: string, draft: Draft): void;
}

const firstDelayMs = 500;
const longestDelayMs = 60_000;
/** A collector that ran so long begins its back-off anew. */
const soundMs = 300_000;

/**
 * Starts the collectors in order and keeps them running; resolves when each is armed or has said why it cannot be.
 * Disposing stops them in reverse order. A collector that breaks is restarted with back-off and the gap is a fact.
 */
export async function supervise(collectors: readonly Collector[], configs: ReadonlyMap<string, unknown>, port: SupervisorPort): Promise<Supervision> {
  const running = new Map<string, { readonly settings: string; readonly one: ReturnType<typeof watch> }>();

  async function apply(wanted: ReadonlyMap<string, unknown>) {
    for (const collector of collectors.toReversed()) {
      const now = running.get(collector.name);
      if (!now || (wanted.has(collector.name) && now.settings === JSON.stringify(wanted.get(collector.name)))) continue;
      running.delete(collector.name);
      await now.one.stop();
    }
    for (const collector of collectors) {
      if (!wanted.has(collector.name) || running.has(collector.name)) continue;
      const one = watch(collector, wanted.get(collector.name), port);
      running.set(collector.name, { settings: JSON.stringify(wanted.get(collector.name)), one });
      await one.start();
    }
  }

  await apply(configs);
  return {
    states: () => collectors.flatMap(({ name }) => running.get(name)?.one.state() ?? []),
    apply,
    async [Symbol.asyncDispose]() {
      for (const { name } of collectors.toReversed()) await running.get(name)?.one.stop();
    },
  };
}

function watch(collector: Collector, config: unknown, { host, log, emit }: SupervisorPort) {
  let running: AsyncDisposable | null = null;
  let state: CollectorState['state'] = 'starting';
  let reason: string | null = null;
  let restarts = 0;
  let delayMs = firstDelayMs;
  let timer: NodeJS.Timeout | null = null;
  let armedAt = 0;
  let turn = 0;
  /** Told to be down, and not yet told otherwise: what incidents say of the sensor stays true. */
  let isDown = false;

  function say(draft: Draft) {
    if (draft.kind === 'sensor.changed') isDown = draft.state === 'down';
    emit(collector.name, draft);
  }

  async function start(): Promise<void> {
    const mine = ++turn;
    const port: CollectorPort = { host, log, emit: say, fail: error => { if (mine === turn) void broken(error); } };
    try {
      const started = await collector.start(config, port);
      if (mine !== turn) { await started[Symbol.asyncDispose](); return; }
      running = started;
      state = 'armed';
      reason = null;
      armedAt = Date.now();
      if (isDown) say({ kind: 'sensor.changed', at: armedAt, sensor: collector.name, state: 'armed', level: 'unprivileged', blind: [] });
    } catch (error) {
      if (mine !== turn) return;
      if (error instanceof UnavailableError) {
        state = 'unavailable';
        reason = error.message;
        log.warn(`${collector.name} is not available: ${error.message}`, { missed: collector.without });
        down(error.message);
      } else await broken(error instanceof Error ? error : new Error(String(error)));
    }
  }

  function down(why: string) {
    say({ kind: 'sensor.changed', at: Date.now(), sensor: collector.name, state: 'down', level: 'unprivileged', blind: [collector.without || why] });
  }

  /** Restarted with back-off; what happened meanwhile was not seen, and nobody can say how much. */
  async function broken(error: Error): Promise<void> {
    if (state === 'stopped') return;
    turn += 1;
    state = 'restarting';
    reason = error.message;
    if (armedAt > 0 && Date.now() - armedAt > soundMs) delayMs = firstDelayMs;
    log.error(`${collector.name} broke and is started again in ${delayMs} ms`, { error });
    down(error.message);
    say({ kind: 'events.lost', at: Date.now(), where: 'collector', what: 'any', count: null });
    await dispose();
    timer = setTimeout(() => { restarts += 1; void start(); }, delayMs);
    timer.unref();
    delayMs = Math.min(delayMs * 2, longestDelayMs);
  }

  async function dispose(): Promise<void> {
    const old = running;
    running = null;
    try { await old?.[Symbol.asyncDispose](); } catch (error) { log.error(`${collector.name} did not stop cleanly`, { error }); }
  }

  return {
    start,
    state: (): CollectorState => ({ name: collector.name, state, reason, restarts }),
    async stop() {
      turn += 1;
      state = 'stopped';
      if (timer) clearTimeout(timer);
      await dispose();
    },
  };
}
