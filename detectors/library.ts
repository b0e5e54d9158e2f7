import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import { bounded } from './context/bounded.ts';
import { createDeeds } from './context/deeds.ts';
import { keyOf, learn } from './context/keys.ts';
import { programOf, temporary } from './context/programs.ts';
import { clip, folderOf, isBelow, quote, who } from './context/wording.ts';
import { suspectSettings } from './libraries/settings.ts';

type Mapped = EventOf<'mxnet.mapped'>;
type Called = EventOf<'mxnet.called'>;
type Extended = EventOf<'library.mapped'>;
type Registered = EventOf<'mxnet.registered'>;

/** Where packages keep native code that only root installs. */
const systemFolders = ['/usr/lib', '/usr/lib64', '/usr/local/lib', '/usr/local/lib64', '/lib', '/lib64'];

/**
 * Suspects native code in place of, or beside, MXNet's own: a libmxnet that lies where no package puts it (an entry of
 * LD_LIBRARY_PATH silently wins over the package), a libmxnet that is another than this executable last had, and an
 * operator library (`mx.library.load`), whose constructors run before anything is checked.
 *
 * A new version is an upgrade, low; other bytes under the same version are medium. Device and inode alone say nothing:
 * containers change them at each start. Operator libraries in the package folder of the loader or in system folders are
 * low, others high; what others may write is high anywhere. `expected` names folders that are fine.
 * Also what decides beforehand which native code comes first (LD_PRELOAD, /etc/ld.so.preload, LD_LIBRARY_PATH), a process
 * that serves a distributed training, native code that comes into the memory after a load from elsewhere than packages and
 * the system, and an operator registered by Python after a load.
 * False positives: private builds, development of operators, extensions built at first use. Blind: a forged modification
 * time with an equal size.
 */
export default defineDetector({
  name: 'library',
  sees: 'stream',
  wants: ['mxnet.mapped', 'mxnet.called', 'library.mapped', 'mxnet.registered', 'file.opened'],
  config: z.strictObject({
    /** Folders whose libraries, and those below, are expected: libmxnet and operator libraries alike. */
    expected: z.array(z.string().startsWith('/')).max(1_000).default([]),
    /** How long after a load what comes into the memory counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
  }),
  create({ expected, windowMs }, memory, isExcepted = () => false) {
    const deeds = createDeeds({ windowMs, memory, isExcepted });
    const packages = bounded<number, { readonly startTicks: number; readonly folder: string }>(4_096);
    const isExpected = (path: string) => expected.some(folder => isBelow(path, folder));

    function mapped(event: Mapped): readonly Suspicion[] {
      const { place, file, version, unexpected } = event.library;
      const folder = unexpected === null ? packageFolder(place.path) : null;
      if (folder !== null) packages.set(event.process.pid, { startTicks: event.process.startTicks, folder });
      const key = keyOf('library', event.process.executable.path, place.path);
      const before = memory.get(key);
      const now = [file.size, file.mtimeNs, clip(version ?? '', 64), file.device, file.inode, file.ctimeNs].join('|');
      if (before !== now) memory.set(key, now);
      const changed = typeof before === 'string' ? change(before, now) : null;
      return [
        ...settings(event),
        ...unexpected === null || isExpected(place.path) ? [] : [outOfPlace(event, unexpected)],
        ...changed === null ? [] : [replaced(event, changed)],
      ];
    }

    /** What many have in ordinary work is told once for each program; what few have, at each start. */
    function settings(event: Mapped): readonly Suspicion[] {
      const { process } = event;
      const found = event.settings === undefined ? [] : suspectSettings(event.settings, isExpected);
      return found.filter(each => !each.usual || !learn(memory, keyOf('settings', programOf(process), each.rule, each.about), event.at)).map(({ rule, severity, confidence, what, techniques }) =>
        ({ rule, severity, confidence, at: event.at, because: [event.id], techniques, summary: `${who(process)} ${what}` }));
    }

    /** Below the folder in which the interpreter of this very MXNet keeps its libraries, or those of the system. */
    function isUsual({ process, library }: Extended): boolean {
      const package_ = packages.get(process.pid);
      const own = package_?.startTicks === process.startTicks ? folderOf(folderOf(package_.folder)) : '/';
      return !library.unlinked && (isExpected(library.place.path) || [...systemFolders, ...own === '/' ? [] : [own]].some(folder => isBelow(library.place.path, folder)));
    }

    function extended(event: Extended): readonly Suspicion[] {
      const { process, library: { place, unlinked } } = event;
      if (isUsual(event)) return [];
      const passing = unlinked ? 'a file that no folder has' : temporary(place.path);
      return deeds.judge({ event, process, tree: process }, {
        rule: 'library.late', severity: passing === null ? 'medium' : 'high', confidence: passing === null ? 0.5 : 0.8, about: place.path, habitual: true,
        techniques: unlinked ? ['T1620', 'AML.T0018.002'] : ['T1129', 'AML.T0018.002'], what: `took ${quote(place.path)} into its memory as code${passing === null ? '' : `, from ${passing}`}`,
      });
    }

    const registered = (event: Registered): readonly Suspicion[] => event.outcome === 'failed' ? [] : deeds.judge({ event, process: event.process, tree: event.process }, {
      rule: 'library.operator-registered', severity: 'low', confidence: 0.4, about: '', techniques: ['T1129', 'AML.T0018.002'],
      what: 'registered an operator of its own with MXNet, which models may then call by its name',
    });

    function called(event: Called): readonly Suspicion[] {
      if (event.api !== 'MXLoadLib') return [];
      const path = event.argument.type === 'path' ? event.argument.place?.path ?? null : null;
      const access = event.argument.type === 'path' ? event.argument.access : null;
      const open = access !== null && ((access.mode & 0o002) !== 0 || access.openFolder !== null);
      const own = packages.get(event.process.pid);
      const usual = [...systemFolders, ...own?.startTicks === event.process.startTicks ? [own.folder] : []];
      const fine = path !== null && !open && (isExpected(path) || usual.some(folder => isBelow(path, folder)));
      return [operatorLibrary(event, path, fine, open)];
    }

    return event => {
      switch (event.kind) {
        case 'mxnet.mapped': return [...mapped(event), ...deeds.learnLoad(event)];
        case 'mxnet.called': return [...called(event), ...deeds.learnLoad(event)];
        case 'file.opened': return deeds.learnLoad(event);
        case 'library.mapped': return extended(event);
        case 'mxnet.registered': return registered(event);
        default: return event satisfies never;
      }
    };
  },
});

/** `/…/site-packages` for `/…/site-packages/mxnet/libmxnet.so`; null for a library that no such folder holds. */
function packageFolder(path: string): string | null {
  const folder = folderOf(folderOf(path));
  return /\/(site|dist)-packages$/.test(folder) ? folder : null;
}

function change(before: string, now: string): 'version' | 'bytes' | null {
  const [oldSize, oldTime, oldVersion, oldDevice, oldInode, oldChange] = before.split('|');
  const [size, time, version, device, inode, changed] = now.split('|');
  if (oldVersion !== version) return 'version';
  if (oldSize !== size) return 'bytes';
  if (oldTime === time && oldDevice === device && oldInode === inode && oldChange !== changed) return 'bytes';
  return null;
}

/** From memory, from a deleted file or a temporary folder it is no private build. */
function outOfPlace(event: Mapped, why: string): Suspicion {
  const passing = temporary(event.library.place.path);
  return {
    rule: 'library.unexpected', severity: passing === null ? 'medium' : 'high', confidence: passing === null ? 0.6 : 0.8, at: event.at, because: [event.id],
    techniques: passing?.startsWith('memory') ? ['T1620', 'T1574.006', 'AML.T0010.001'] : ['T1574.006', 'AML.T0010.001'],
    summary: `${who(event.process)} runs MXNet from ${quote(event.library.place.path)}${passing === null ? '' : `, ${passing}`}, not from its package: ${clip(why)}`,
  };
}

const replaced = (event: Mapped, what: 'version' | 'bytes'): Suspicion => ({
  rule: 'library.replaced', severity: what === 'version' ? 'low' : 'medium', confidence: what === 'version' ? 0.3 : 0.7, at: event.at,
  because: [event.id], techniques: ['T1554', 'AML.T0010.001'],
  summary: `${who(event.process)} runs another MXNet from ${quote(event.library.place.path)} than last time: ${what === 'version' ? `its version is ${clip(event.library.version ?? 'unknown', 64)} now` : `other bytes under the same version ${clip(event.library.version ?? '(unknown)', 64)}`}`,
});

function operatorLibrary(event: Called, path: string | null, fine: boolean, open: boolean): Suspicion {
  const what = path !== null ? quote(path) : event.argument.type === 'path' ? quote(event.argument.raw) : 'a library whose name could not be read';
  const why = fine ? 'where packages are installed' : open ? 'which other users can exchange' : 'which lies outside the folders of packages';
  return {
    rule: 'library.operator-library', severity: fine ? 'low' : 'high', confidence: fine ? 0.2 : 0.8, at: event.at, because: [event.id],
    techniques: ['T1129', 'AML.T0010.001'],
    summary: `${who(event.process)} loaded native code as an operator library: ${what}, ${why}${event.outcome === 'ok' ? '' : ` (the call ${event.outcome}, but its constructors ran)`}`,
  };
}
