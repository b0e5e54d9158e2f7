import { z } from 'zod';
import { defineDetector, type Memory } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import type { Process, ProcessRef } from '../agent/contract/process.ts';
import { type Actor, actorOf, isSameService } from './context/actors.ts';
import { bounded, createOnce } from './context/bounded.ts';
import { createMarks, keyOf, stateOf } from './context/keys.ts';
import { folderOf, quote, who } from './context/wording.ts';
import { type Loading, pathOf } from './context/trees.ts';

type Change = EventOf<'file.changed'>;
interface Holder extends Actor { readonly load: string; readonly state: string | null; readonly asCode: boolean; told: boolean; unknownAt: number }

const most = { paths: 4_096, holders: 32, writers: 16, ended: 10_000, loaders: 4_096 } as const;
const hourMs = 3_600_000;
const verbs: { readonly [Kind in Change['change']]: string } = {
  found: 'found', created: 'created', written: 'wrote', renamed: 'renamed', removed: 'removed', attributes: 'changed the attributes of',
};

/**
 * Suspects changes of model files that do not fit: by a program or user that never wrote into a folder in which others
 * do, of a file that a living process has loaded, or of its permissions.
 *
 * A new writer is low: every deployment tool is new once. A change under a loader is low too, since a deployment and a
 * trainer's own checkpoints look like that; it is medium when the writer is known and was never seen in this folder, or
 * when the file is an operator library, whose mapped code changes with it. The loader itself, its tree and its own
 * program (same script, same user) may write. Each loader's file is told once until it is loaded again, and once an hour
 * when nobody knows who wrote: that is mostly the loader.
 * A process that has loaded something, or what it started, and that then writes into a folder in which others do and it
 * never did, is medium: a payload exchanges its model, or others. The same for a signature is high. Where nobody is known to
 * have written, rewriting the very file that it loaded is low, since trainers do so.
 * World-writable is low, setgid medium, setuid on a model is high: nothing ever needs it.
 * Blind where the sensor cannot tell who wrote; processes that ended unseen are believed to live on.
 */
export default defineDetector({
  name: 'change',
  sees: 'stream',
  wants: ['file.changed', 'mxnet.called', 'file.opened', 'process.exited'],
  config: z.strictObject({}),
  create(_config, memory) {
    const writers = createWriters(memory);
    const loaded = createHolders();
    const rewrites = createRewrites();
    const modes = bounded<string, number>(20_000);

    function changed(event: Change): readonly Suspicion[] {
      const mode = modeFinding(event, modes.get(keyOf(event.place.path)));
      if (event.access) modes.set(keyOf(event.place.path), event.access.mode);
      else modes.delete(keyOf(event.place.path));
      if (event.change === 'found') return mode;
      const novelty = event.by === null ? null : writers.see(folderOf(event.place.path), event.by);
      const found = [...mode, ...loaded.changed(event, novelty)];
      if (event.change === 'renamed' && event.from) found.push(...loaded.changed({ ...event, change: 'removed', place: event.from, file: null }, novelty));
      const rewritten = rewrites.changed(event, novelty);
      if (rewritten !== null) return [rewritten, ...found];
      return novelty === null || novelty === 'first' || event.by === null ? found : [unexpectedWriter(event, event.by, novelty), ...found];
    }

    return event => {
      switch (event.kind) {
        case 'file.changed': return event.what === 'system' ? [] : changed(event);
        case 'mxnet.called': case 'file.opened': loaded.hold(event); rewrites.loaded(event); return [];
        case 'process.exited': loaded.release(event.process); return [];
        default: return event satisfies never;
      }
    };
  },
});

/** What is new about a writer in its folder; `first`: nobody is known to have written there before. */
type Novelty = 'user' | 'program' | 'first' | null;

/** Which programs and users wrote into which folder. */
function createWriters(memory: Memory) {
  const marks = createMarks();
  return {
    see(folder: string, by: Process): Novelty {
      const key = keyOf('writers', folder);
      const text = memory.get(key);
      const known = typeof text === 'string' ? text.split(' ') : [];
      const writer = `${by.uid}:${marks(by.executable.path)}`;
      if (known.at(-1) === writer) return null;
      memory.set(key, [...known.filter(each => each !== writer), writer].slice(-most.writers).join(' '));
      if (known.length === 0) return 'first';
      if (known.includes(writer)) return null;
      return known.some(each => each.startsWith(`${by.uid}:`)) ? 'program' : 'user';
    },
  };
}

/** Which living processes have loaded which file, in which state. */
function createHolders() {
  const byPath = bounded<string, Holder[]>(most.paths);
  /** Start time of the last process with this pid that ended: cheaper than to look for its files at each exit. */
  const ended = bounded<number, number>(most.ended);

  return {
    hold(event: Loading) {
      const path = pathOf(event);
      if (path === null || (event.kind === 'mxnet.called' && event.outcome !== 'ok')) return;
      const process = event.kind === 'file.opened' ? event.by : event.process;
      const file = event.kind === 'file.opened' ? event.file : event.argument.type === 'path' ? event.argument.file : null;
      const before = byPath.get(keyOf(path)) ?? [];
      const own = before.find(each => each.pid === process.pid && each.startTicks === process.startTicks);
      const others = before.filter(each => each.pid !== process.pid);
      const holder: Holder = {
        ...actorOf(process), load: event.id, state: file === null ? null : stateOf(file),
        asCode: event.kind === 'mxnet.called' && event.api === 'MXLoadLib', told: false,
        unknownAt: own?.unknownAt ?? Number.NEGATIVE_INFINITY,
      };
      byPath.set(keyOf(path), [...others, holder].slice(-most.holders));
    },
    release(process: ProcessRef) { ended.set(process.pid, process.startTicks); },
    changed(event: Change, novelty: Novelty): Suspicion[] {
      if (event.change === 'attributes') return [];
      const state = event.file === null ? null : stateOf(event.file);
      const isStruck = (each: Holder) => !each.told && ended.get(each.pid) !== each.startTicks && (state === null || each.state !== state)
        && !isOwn(event.by, each) && (event.by !== null || Math.abs(event.at - each.unknownAt) > hourMs);
      const struck = (byPath.get(keyOf(event.place.path)) ?? []).filter(isStruck);
      for (const each of struck) Object.assign(each, event.by === null ? { told: true, unknownAt: event.at } : { told: true });
      const [first] = struck;
      return first ? [whileLoaded(event, first, struck.length, novelty)] : [];
    },
  };
}

/** Names under which a model's signature, or a list of digests, lies beside it. */
const signature = /\.(sig|asc|minisig|p7[sm]|sigstore|sigstore\.json|bundle\.json|intoto\.jsonl|att|sha(256|512)(sum)?)$|\/(SHA(256|512)SUMS|checksums\.txt|manifest\.(json|sig))$/i;

/** Processes that have loaded something, and what they or their children then wrote. */
function createRewrites() {
  const loaders = bounded<number, { readonly startTicks: number; readonly load: string; readonly paths: Set<string> }>(most.loaders);
  const once = createOnce(most.loaders);

  return {
    loaded(event: Loading) {
      const { pid, startTicks } = event.kind === 'file.opened' ? event.by : event.process;
      const before = loaders.get(pid);
      const paths = before?.startTicks === startTicks ? before.paths : new Set<string>();
      const path = pathOf(event);
      if (path !== null && paths.size < most.holders) paths.add(keyOf(path));
      loaders.set(pid, { startTicks, load: event.id, paths });
    },
    changed(event: Change, novelty: Novelty): Suspicion | null {
      const { by, place } = event;
      if (by === null || novelty === null || event.change === 'attributes') return null;
      const loader = [by, ...by.ancestors].map(({ pid, startTicks }) => ({ pid, known: loaders.get(pid), startTicks })).find(({ known, startTicks }) => known?.startTicks === startTicks);
      if (loader?.known === undefined) return null;
      const own = loader.known.paths.has(keyOf(place.path));
      const signed = signature.test(place.path);
      if ((novelty === 'first' && !own && !signed) || !once(keyOf(loader.pid, loader.startTicks, place.path))) return null;
      return rewritten(event, by, loader.known.load, signed ? 'the signature' : own ? 'the model' : 'another', novelty);
    },
  };
}

function rewritten(event: Change, by: Process, load: string, what: 'the signature' | 'the model' | 'another', novelty: Exclude<Novelty, null>): Suspicion {
  const known = novelty !== 'first';
  const about = what === 'the signature' ? 'a signature or list of digests' : what === 'the model' ? 'a model that it had loaded itself' : 'another model than it had loaded';
  return {
    rule: what === 'the signature' ? 'change.signature-by-loader' : 'change.by-loader',
    severity: what === 'the signature' ? known ? 'high' : 'medium' : known ? 'medium' : 'low', confidence: known ? 0.7 : 0.4, at: event.at, because: [event.id, load],
    techniques: what === 'the signature' ? ['T1553', 'T1565.001', 'AML.T0109'] : ['T1565.001', 'AML.T0018', 'AML.T0109'],
    summary: `${who(by)}, a process that loads models or was started by one, ${verbs[event.change]} ${about}: ${quote(event.place.path)}${known ? '; others write in that folder, it never did before' : ''}`,
  };
}

/** The loader, something it started, or another run of the same program by the same user. */
function isOwn(by: Process | null, loader: Actor): boolean {
  if (by === null) return false;
  if ([by, ...by.ancestors].some(each => each.pid === loader.pid && each.startTicks === loader.startTicks)) return true;
  return isSameService(actorOf(by), loader);
}

function whileLoaded(event: Change, holder: Holder, count: number, novelty: Novelty): Suspicion {
  const grave = holder.asCode || (event.by !== null && novelty !== null && novelty !== 'first');
  const others = count > 1 ? ` and ${count - 1} other processes` : '';
  const action = event.by === null ? `Somebody (the sensor cannot tell who) ${verbs[event.change]}` : `${who(event.by)} ${verbs[event.change]}`;
  return {
    rule: 'change.while-loaded', severity: grave ? 'medium' : 'low', confidence: event.by === null ? 0.3 : 0.6, at: event.at,
    because: [event.id, holder.load], techniques: holder.asCode ? ['T1574', 'AML.T0109'] : ['T1565.001', 'AML.T0109'],
    summary: `${action} ${quote(event.place.path)} while ${holder.label}${others} had it loaded${holder.asCode ? ' as native code' : ''}`,
  };
}

function unexpectedWriter(event: Change, by: Process, novelty: 'user' | 'program'): Suspicion {
  return {
    rule: 'change.unexpected-writer', severity: 'low', confidence: novelty === 'user' ? 0.5 : 0.3, at: event.at, because: [event.id],
    techniques: ['T1565.001', 'AML.T0018'],
    summary: `${who(by)} ${verbs[event.change]} ${quote(event.place.path)}; ${novelty === 'user' ? `uid ${by.uid} never wrote` : 'this program was never seen to write'} in that folder before, others did`,
  };
}

/** A setuid or setgid file is told also when it is merely found; a world-writable one only when it becomes so. */
function modeFinding(event: Change, before: number | undefined): Suspicion[] {
  if (event.access === null) return [];
  const { mode } = event.access;
  const action = event.change === 'found' ? 'was found' : 'became';
  const by = event.by === null ? '' : ` by ${who(event.by)}`;
  const found = { rule: 'change.mode', at: event.at, because: [event.id] as const };
  if ((mode & 0o4000) !== 0 && ((before ?? 0) & 0o4000) === 0) {
    return [{ ...found, severity: 'high', confidence: 0.8, techniques: ['T1548.001'], summary: `${quote(event.place.path)} ${action} setuid (mode ${mode.toString(8)})${by}: no model needs to run with the rights of uid ${event.access.uid}` }];
  }
  if ((mode & 0o2010) === 0o2010 && ((before ?? 0) & 0o2010) !== 0o2010) {
    return [{ ...found, severity: 'medium', confidence: 0.6, techniques: ['T1548.001'], summary: `${quote(event.place.path)} ${action} setgid and executable (mode ${mode.toString(8)})${by}: no model needs to run with the rights of gid ${event.access.gid}` }];
  }
  const opened = (mode & 0o002) !== 0 && ((before ?? 0) & 0o002) === 0 && event.change !== 'found';
  return opened ? [{ ...found, severity: 'low', confidence: 0.5, techniques: ['T1222.002'], summary: `${quote(event.place.path)} ${action} writable for every user (mode ${mode.toString(8)})${by}` }] : [];
}
