import { z } from 'zod';
import { defineDetector } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Suspicion } from '../agent/contract/finding.ts';
import { type Command, commandsOf, writtenBy } from './context/commands.ts';
import { createDeeds, isForeign, type Verdict } from './context/deeds.ts';
import { quote } from './context/wording.ts';
import { isOnlyWritten, type WayOut, wayOut } from './places/kernel.ts';

type Used = EventOf<'kernel.used'>;

/** File systems that containers and sandboxes mount for themselves, and those that a user may mount. */
const ordinaryMounts = /^(tmpfs|proc|sysfs|devpts|mqueue|fuse(\.[\w-]+)?|ramfs)$/;

/**
 * Suspects a process that after a load tries to leave its container or its place on the host: other namespaces, mounts,
 * the socket by which containers are commanded, files that name a program for the kernel to run, disks and memory of the
 * machine itself. Files are seen where a sensor watches them, and in command lines that name them, which says less.
 *
 * A user namespace of one's own is what sandboxes (bubblewrap, the browsers behind plotting libraries) make: medium, and
 * so are mounts of a kind that they make. False positives: containers started from a notebook, mounts of object stores.
 * Blind: a socket of containers that is connected to by a program that was given no name of it (no fact tells Unix
 * sockets); files of /proc, /sys and control groups written without a command that names them.
 */
export default defineDetector({
  name: 'escape',
  sees: 'stream',
  wants: ['kernel.used', 'file.accessed', 'file.changed', 'process.executed', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a deed counts as its consequence. */
    windowMs: z.number().int().min(1_000).max(86_400_000).default(600_000),
  }),
  create({ windowMs }, memory, isExcepted = () => false) {
    const deeds = createDeeds({ windowMs, memory, isExcepted });

    function used(event: Used): readonly Suspicion[] {
      const deed = { event, process: event.process, tree: event.tree };
      const foreign = isForeign(event.process, deeds.tree(deed));
      if (event.interface === 'namespace') return deeds.judge(deed, otherNamespace(event, foreign));
      return event.interface === 'mount' ? deeds.judge(deed, otherMount(event, foreign)) : [];
    }

    function touched(event: EventOf<'file.accessed' | 'file.changed'>): readonly Suspicion[] {
      const { by, place } = event;
      const writes = event.kind === 'file.changed';
      const tree = by === null || (writes && event.change === 'found') ? undefined : deeds.treeOf(by);
      if (by === null || tree === undefined) return [];
      const found = (place.inside === undefined ? null : wayOut(place.inside)) ?? wayOut(place.path);
      if (found === null || (!writes && isOnlyWritten(found))) return [];
      return deeds.judge({ event, process: by, tree }, verdictOf(found, place.path, writes ? 'wrote' : 'opened', 0.85));
    }

    function executed(event: EventOf<'process.executed'>): readonly Suspicion[] {
      const named = namedIn(event.process.argv);
      return named === null ? [] : deeds.judge({ event, process: event.process, tree: event.tree }, verdictOf(named.found, named.path, 'ran a command about', 0.6));
    }

    return event => {
      switch (event.kind) {
        case 'kernel.used': return used(event);
        case 'file.accessed': case 'file.changed': return touched(event);
        case 'process.executed': return executed(event);
        case 'mxnet.called': case 'file.opened': case 'mxnet.mapped': return deeds.learnLoad(event);
        default: return event satisfies never;
      }
    };
  },
});

const verdictOf = (found: WayOut, path: string, did: string, confidence: number): Verdict =>
  ({ rule: found.rule, severity: found.severity, confidence, about: path, habitual: true, techniques: found.techniques, what: `${did} ${found.what} ${quote(path)}` });

function otherNamespace({ detail, allowed }: Used, foreign: boolean): Verdict {
  const kinds = detail.split(', ');
  const sandbox = foreign && kinds.includes('user');
  return {
    rule: 'escape.namespace', severity: sandbox || kinds.every(kind => kind === 'uts' || kind === 'ipc') ? 'medium' : 'high', confidence: sandbox ? 0.4 : 0.7, about: detail, habitual: true,
    techniques: ['T1611', 'AML.T0105'], what: `${allowed === false ? 'asked for' : 'went into'} ${detail === '' ? 'another namespace' : `another namespace (${detail})`}`,
  };
}

function otherMount({ detail, allowed }: Used, foreign: boolean): Verdict {
  return {
    rule: 'escape.mount', severity: foreign && ordinaryMounts.test(detail) ? 'medium' : 'high', confidence: allowed === null ? 0.5 : 0.7, about: detail, habitual: true,
    techniques: ['T1611', 'AML.T0105'], what: `${allowed === true ? 'mounted' : 'asked to mount'} ${detail === '' ? 'a file system' : `a file system of type ${quote(detail, 64)}`}`,
  };
}

/** The first way out that a command names. */
function namedIn(argv: readonly string[]): { readonly path: string; readonly found: WayOut } | null {
  for (const command of commandsOf(argv)) {
    const written = new Set(writtenBy(command));
    for (const word of [...written, ...command.rest]) {
      const path = pathIn(word);
      const found = path === null ? null : wayOut(path);
      if (path !== null && found !== null && (written.has(word) || !isOnlyWritten(found)) && !isHarmless(command, found)) return { path, found };
    }
  }
  return null;
}

/** Naming a disk to ask about it, or /proc/1 to look whether this is a container, is no way out. */
const isHarmless = ({ program }: Command, { rule }: WayOut): boolean =>
  (rule === 'escape.block-device' && /^(lsblk|blkid|smartctl|df|ls|stat|findmnt|blockdev|hdparm|iostat)$/.test(program)) || (rule === 'escape.host-root' && /^(readlink|ls|stat|lsns|test|\[)$/.test(program));

/** The path in a word: `/dev/sda`, `of=/dev/sda`, `unix:///var/run/docker.sock`, `UNIX-CONNECT:/run/docker.sock`. */
function pathIn(word: string): string | null {
  const at = word.indexOf('/');
  return at < 0 ? null : word.slice(at).replace(/^\/{2,}/, '/').replace(/[,"'].*$/, '');
}
