import type { Loaded } from '../config/load.ts';
import type { HostIdentity, Log } from '../contract/component.ts';
import type { Draft, Event } from '../contract/event.ts';
import type { TrailCheckpoint } from '../contract/forwarder.ts';
import type { Database } from '../store/database.ts';
import type { EnvelopeDraft } from '../store/outbox.ts';
import type { StateStore } from '../store/state.ts';
import { type Checkpoint, headText } from './checkpoint.ts';
import { createDeliveries, type SinkFacts } from './deliveries.ts';
import { bounded } from './entry.ts';
import { configDigest, ruleSetDigest } from './digests.ts';
import { incidentRecord } from './observer.ts';
import { trailPlace } from './place.ts';
import { createScribe } from './scribe.ts';
import { openTrail } from './trail.ts';

export interface AccountParts {
  readonly host: HostIdentity;
  readonly bootId: string;
  readonly version: string;
  readonly database: Database;
  readonly state: StateStore;
  readonly log: Log;
  emit(draft: Draft): void;
  /** Puts what must leave the host into the outbox. */
  send(draft: EnvelopeDraft): void;
}

/** The agent's account of itself in the audit trail. */
export interface Account {
  see(event: Event): void;
  /** These are in the outbox: they are in the trail before any sink hears of them, if the disk lets it. */
  reported(drafts: readonly EnvelopeDraft[]): void;
  configured(loaded: Loaded, onlyAfterRestart: readonly string[]): void;
  tick(sinks: readonly SinkFacts[]): void;
  /** Why the trail cannot be written at the moment, or null. */
  readonly failure: string | null;
  /** Null where there is no trail. */
  readonly status: TrailStatus | null;
  /** Signs what there is, while it can still leave the host. */
  leave(): void;
  /** The last record, under a checkpoint that the next run sends on. */
  stop(undelivered: Readonly<Record<string, number | null>>): void;
}

/** Where the trail is, as far as it can be told. */
export interface TrailStatus {
  /** Null while the trail cannot be used. */
  readonly epoch: number | null;
  readonly size: number | null;
  /** The last one since the start. */
  readonly checkpoint: { readonly size: number; readonly at: number } | null;
}

const noted = 'auditHead';
const none: Account = { see() {}, reported() {}, configured() {}, tick() {}, failure: null, status: null, leave() {}, stop() {} };

/** Opens the trail that the configuration asks for. Throws ConfigError when it cannot be used. */
export function openAccount({ file, config }: Loaded, { host, bootId, version, database, state, log, emit, send }: AccountParts): Account {
  if (!config.audit.enabled) return none;
  const place = trailPlace(file, config);
  const deliveries = createDeliveries();
  let stopped = false;
  let checkpoint: TrailStatus['checkpoint'] = null;

  function say(condition: 'armed' | 'degraded', blind: readonly string[]): void {
    if (!stopped) emit({ kind: 'sensor.changed', at: Date.now(), sensor: 'audit', state: condition, level: 'unprivileged', blind });
  }

  // So that whoever hears that it is degraded knows that it was not before.
  say('armed', []);
  const scribe = createScribe({
    directory: place.directory, checkpointMs: config.audit.checkpointMs, retentionMs: config.audit.retentionDays * 86_400_000, log,
    open: () => openTrail({ ...place, hostId: host.id, bootId, remembered: textOf(state.note(noted)), log }),
    signed(made) {
      database.transaction(() => state.saveNote(noted, headText(made)));
      const body = bodyOf(made, Date.now());
      checkpoint = { size: body.size, at: body.at };
      if (stopped) return;
      send({ id: `${body.origin}/${body.size}/${body.at}`, host, version, type: 'checkpoint', body });
    },
    failed: reason => reason === null ? say('armed', []) : say('degraded', [`what happens now may be missing from the audit trail: ${reason}`]),
    broke: ({ epoch, reason }) => { if (!stopped) emit({ kind: 'trail.broken', at: Date.now(), epoch, reason: bounded(reason, 1_000) }); },
  });

  return {
    see: scribe.see,
    reported(drafts) {
      const incidents = drafts.filter(draft => draft.type === 'incident');
      if (incidents.length === 0 || stopped) return;
      scribe.write(...incidents.map(({ id, body }) => incidentRecord(body, id)));
      scribe.flush(incidents.some(({ body }) => body.severity === 'critical'));
    },
    configured(loaded, onlyAfterRestart) {
      const at = Date.now();
      const rules = ruleSetDigest(loaded.config.detectors);
      scribe.write(
        { action: 'config.loaded', at, actor: 'agent', object: bounded(loaded.file, 4_096), outcome: 'in force', detail: { sha256: configDigest(loaded.printable), onlyAfterRestart } },
        { action: 'rules.loaded', at, actor: 'agent', object: 'detectors', outcome: 'in force', detail: rules },
      );
    },
    tick(sinks) {
      scribe.write(...deliveries.see(sinks, Date.now()));
      scribe.tick();
    },
    get failure() { return scribe.failure; },
    get status() { return { epoch: scribe.head?.epoch ?? null, size: scribe.head?.size ?? null, checkpoint }; },
    leave() { scribe.seal(); },
    stop(undelivered) {
      stopped = true;
      scribe.write({ action: 'agent.stopped', at: Date.now(), actor: 'agent', object: 'mxwarden', outcome: 'in order', detail: { undelivered } });
      scribe[Symbol.dispose]();
    },
  };
}

const textOf = (note: string | number | null): string | null => typeof note === 'string' ? note : null;

const bodyOf = ({ origin, size, root, note }: Checkpoint, at: number): TrailCheckpoint => ({
  title: `The audit trail of ${size} records is signed`, origin, size, root: Buffer.from(root).toString('base64'), note, at,
});
