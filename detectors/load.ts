import { z } from 'zod';
import { defineDetector, type Memory } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { FileIdentity } from '../agent/contract/file.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import type { Process, ProcessRef } from '../agent/contract/process.ts';
import { type Actor, actorOf, isSameService } from './context/actors.ts';
import { bounded, createOnce } from './context/bounded.ts';
import { createMarks, isLater, keyOf, learn, stateOf } from './context/keys.ts';
import type { Loading } from './context/trees.ts';
import { folderOf } from './context/wording.ts';
import { type Awaited, createAwaited } from './provenance/awaited.ts';
import { blank, readRecord, shorten, withLoader, writeRecord } from './provenance/record.ts';
import * as say from './provenance/suspicions.ts';

/** The last inspection of a path in this run, and the first digest it ever had in it. */
interface Inspected { readonly file: FileIdentity; readonly mark: string; readonly digest: string; readonly first: string }

const hourMs = 3_600_000;

/**
 * Suspects loads of files whose way here is not clear: changed since the inspection, exchanged since the last load (rug
 * pull), from outside the watched folders, writable by others, loaded by somebody new, refused, or not to be known.
 * Each alone is low, since deployments and training do all of these; together with behaviour they make an incident grave.
 *
 * Decisions. A file that was never inspected when it is loaded gets `graceMs` until the inspector and the watch have had
 * their turn, and is told at the next sample of its process after that, or at its exit. One that was inspected in
 * another state is told at once, unless its loader itself wrote it (a trainer reloading its checkpoint). When the
 * inspector then sees a third state, what was loaded is lost for good: low, medium when somebody else is known to have
 * written it. A replaced file is told to every process that loads it within an hour, since each of several workers may
 * be the one that misbehaves.
 *
 * Blind: loads from memory (no file to speak of); Trainer.load_states and other reading by Python itself; history of
 * files never loaded is forgotten by a restart.
 */
export default defineDetector({
  name: 'load',
  sees: 'stream',
  wants: ['mxnet.called', 'file.opened', 'file.changed', 'artifact.inspected', 'process.sampled', 'process.exited'],
  config: z.strictObject({
    /** How long the inspection of a file just loaded may take before its absence is told. */
    graceMs: z.number().int().min(0).max(3_600_000).default(30_000),
  }),
  create: ({ graceMs }, memory) => createLoadDetector(graceMs, memory),
});

function createLoadDetector(graceMs: number, memory: Memory) {
  const inspections = bounded<string, Inspected>(20_000);
  const folders = bounded<string, true>(20_000);
  const writers = bounded<string, Actor>(5_000);
  const calls = bounded<string, number>(5_000);
  const once = createOnce();
  const marks = createMarks();
  const awaited = createAwaited();

  const onceFor = (rule: string, process: ProcessRef, what: string) => once(keyOf(rule, process.pid, process.startTicks, what));
  const isReported = (path: string) => folders.has(keyOf(folderOf(path)));
  /** A writer that is not known is never the loader itself. */
  const isOwn = (path: string, loader: Actor) => {
    const writer = writers.get(keyOf(path));
    return writer !== undefined && isSameService(writer, loader);
  };

  function called(event: EventOf<'mxnet.called'>): readonly Suspicion[] {
    const { argument, process } = event;
    if (argument.type === 'unread') {
      return onceFor('unread', process, `${event.api} ${Math.floor(event.at / hourMs)}`) ? [say.unread(event, argument.why)] : [];
    }
    const what = argument.type === 'path' ? argument.place?.path ?? argument.raw : `${argument.bytes ?? 'some'} bytes from memory`;
    const found = event.outcome === 'failed' && onceFor('failed', process, what) ? [say.failed(event, what)] : [];
    if (argument.type === 'buffer') return found;
    const path = argument.place?.path;
    if (path === undefined || argument.file === null) {
      if (event.outcome === 'failed' || !onceFor('gone', process, what)) return found;
      return [...found, path === undefined ? say.unresolved(event, argument.raw) : say.vanished(event, path)];
    }
    calls.set(keyOf(process.pid, process.startTicks, path), event.at);
    const why = argument.access ? say.openness(argument.access, process) : [];
    const open = why.length > 0 && onceFor('open', process, path) && !isUsual(why, argument.access?.uid, path, process, event.at);
    if (open) found.push(say.writable(event, path, why));
    return [...found, ...loaded(event, process, path, argument.file)];
  }

  /** A model folder that always belonged to its deployer is news once. */
  function isUsual(why: readonly string[], owner: number | undefined, path: string, loader: Process, at: number): boolean {
    const onlyOwner = why.length === 1 && why[0]?.startsWith('it belongs') === true;
    return onlyOwner && learn(memory, keyOf('owner', folderOf(path), owner ?? '', loader.uid), at);
  }

  /** The same load seen by two sensors is one load. */
  function opened(event: EventOf<'file.opened'>): readonly Suspicion[] {
    const before = calls.get(keyOf(event.by.pid, event.by.startTicks, event.place.path));
    return before !== undefined && Math.abs(event.at - before) <= 60_000 ? [] : loaded(event, event.by, event.place.path, event.file);
  }

  function loaded(event: Loading, process: Process, path: string, file: FileIdentity): readonly Suspicion[] {
    const found: Suspicion[] = [];
    const record = readRecord(memory, path) ?? blank;
    const mark = marks(stateOf(file));
    const actor = actorOf(process);
    const last = inspections.get(keyOf(path));
    const inspected = last?.mark ?? record.inspected;
    const loader = `${process.uid}:${marks(process.executable.path)}`;
    if (record.loaders.length > 0 && !record.loaders.includes(loader)) {
      found.push(say.newLoader(event, path, record.loaders.some(each => each.startsWith(`${process.uid}:`))));
    }
    writeRecord(memory, path, { ...withLoader(record, loader), inspected, inspectedDigest: last?.digest ?? record.inspectedDigest });

    const told = inspected !== '' && inspected !== mark && !isOwn(path, actor);
    if (told && onceFor('changed', process, `${path} ${mark}`)) found.push(say.changedSince(event, path, say.difference(last?.file ?? null, file)));
    const digest = last?.mark === mark ? last.digest : record.inspected === mark ? record.inspectedDigest : null;
    if (digest !== null) found.push(...compare(path, digest, actor, { at: event.at, because: [event.id] }));
    if (digest !== null && isReported(path)) return found;
    const overdue = awaited.add({
      pid: process.pid, startTicks: process.startTicks, load: event.id, path, state: mark, ctimeNs: file.ctimeNs, until: event.at + graceMs, loader: actor, told,
      inspected: digest !== null,
    });
    return overdue ? [...found, ...settle(overdue, event.at, false)] : found;
  }

  /** The digest that is loaded now against the one of the last load, or the first one seen when it was never loaded. */
  function compare(path: string, digest: string, loader: Actor, evidence: say.Evidence): readonly Suspicion[] {
    const record = readRecord(memory, path) ?? blank;
    const base = record.digest || inspections.get(keyOf(path))?.first || '';
    const now = shorten(digest);
    const exchanged = base !== '' && base !== now;
    const fresh = exchanged ? { previous: base, replacedAt: evidence.at } : { previous: record.previous, replacedAt: record.replacedAt };
    writeRecord(memory, path, { ...record, digest: now, ...fresh });
    const recent = fresh.previous !== '' && fresh.previous !== now && evidence.at - fresh.replacedAt <= hourMs;
    if (!recent || isOwn(path, loader) || !onceFor('replaced', loader, `${path} ${now}`)) return [];
    return [say.replaced(evidence, path, loader.label, fresh.previous, now, record.digest !== '')];
  }

  function inspectedNow(event: EventOf<'artifact.inspected'>): readonly Suspicion[] {
    const { path } = event.place;
    const mark = marks(stateOf(event.file));
    const digest = shorten(event.sha256);
    inspections.set(keyOf(path), { file: event.file, mark, digest, first: inspections.get(keyOf(path))?.first ?? digest });
    const record = readRecord(memory, path);
    if (record) writeRecord(memory, path, { ...record, inspected: mark, inspectedDigest: digest });
    return awaited.of(path).flatMap(each => {
      // The inspection of an older state may end after the load of a newer one: that one's is still to come.
      if (each.inspected || (each.state !== mark && !isLater(event.file.ctimeNs, each.ctimeNs))) return [];
      each.inspected = true;
      if (isReported(path)) awaited.drop(each);
      if (each.state === mark) return compare(path, digest, each.loader, { at: event.at, because: [event.id, each.load] });
      const writer = writers.get(keyOf(path));
      return [say.swapped(event, path, each.load, writer && !isOwn(path, each.loader) ? writer.label : null)];
    });
  }

  function settle(each: Awaited, at: number, ended: boolean): readonly Suspicion[] {
    const missing = each.inspected || each.told ? [] : [say.neverInspected(each.path, each.load, at, ended)];
    const strange = !isReported(each.path) && onceFor('outside', each, folderOf(each.path));
    return strange ? [...missing, say.outside(each.path, each.load, at)] : missing;
  }

  function changed(event: EventOf<'file.changed'>): readonly Suspicion[] {
    folders.set(keyOf(folderOf(event.place.path)), true);
    if (event.change === 'found') return [];
    if (event.by === null) writers.delete(keyOf(event.place.path));
    else writers.set(keyOf(event.place.path), actorOf(event.by));
    return [];
  }

  return (event: Loading | EventOf<'file.changed' | 'artifact.inspected' | 'process.sampled' | 'process.exited'>): readonly Suspicion[] => {
    switch (event.kind) {
      case 'mxnet.called': return called(event);
      case 'file.opened': return opened(event);
      case 'file.changed': return event.what === 'system' ? [] : changed(event);
      case 'artifact.inspected': return inspectedNow(event);
      case 'process.sampled': return awaited.take(event.process, event.at, false).flatMap(each => settle(each, event.at, false));
      case 'process.exited': return awaited.take(event.process, event.at, true).flatMap(each => settle(each, event.at, true));
      default: return event satisfies never;
    }
  };
}
