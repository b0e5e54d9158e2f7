/**
 * Which container a process is in, by the names that runtimes give to cgroups. A name is a claim: who may create
 * cgroups (root, or a user in a delegated slice) may claim any.
 */
import type { Process } from '../../../agent/contract/process.ts';
import { escapeText } from '../../../agent/contract/text.ts';
import { clip } from './parse.ts';

type Container = NonNullable<Process['container']>;

const runtimes: ReadonlyMap<string, string> = new Map([
  ['docker', 'docker'], ['cri-containerd', 'containerd'], ['containerd', 'containerd'], ['nerdctl', 'containerd'],
  ['crio', 'cri-o'], ['libpod', 'podman'], ['podman', 'podman'],
]);

/** /proc/PID/cgroup of v1 and v2, as text. The deepest container wins; null when no line names one. */
export function parseCgroup(text: string): Container | null {
  let best: { container: Container; depth: number } | null = null;
  for (const line of text.split('\n', 64)) {
    const path = /^\d+:[^:]*:(\/.*)$/.exec(line)?.[1];
    const found = path === undefined ? null : containerOf(path.slice(0, 4_096).split('/', 64));
    if (found !== null && (best === null || found.depth > best.depth || (best.container.runtime === null && found.container.runtime !== null))) best = found;
  }
  return best?.container ?? null;
}

function containerOf(segments: readonly string[]): { container: Container; depth: number } | null {
  for (let depth = segments.length - 1; depth > 0; depth--) {
    const named = nameOf(segments[depth] ?? '', segments[depth - 1] ?? '');
    if (named !== null) return { container: { ...named, podUid: podOf(segments) }, depth };
  }
  return null;
}

/** One cgroup folder: a systemd scope, a bare id below its runtime's folder, or `slice:prefix:id` of containerd. */
function nameOf(segment: string, parent: string): { id: string; runtime: string | null } | null {
  const scope = /^(?:[^:]{1,256}:)?([a-z-]{3,20})[-:]([0-9a-f]{64})(?:\.scope)?$/.exec(segment);
  if (scope?.[1] !== undefined && scope[2] !== undefined) {
    const runtime = runtimes.get(scope[1]);
    if (runtime !== undefined) return { id: scope[2], runtime };
    if (/conmon/.test(scope[1])) return null;
  }
  if (/^[0-9a-f]{64}$/.test(segment)) return { id: segment, runtime: runtimes.get(parent) ?? null };
  if (/^[0-9a-f]{32}-\d{1,20}$/.test(segment)) return { id: segment, runtime: 'ecs' };
  const lxc = /^lxc\.payload\.(.+)$/.exec(segment)?.[1] ?? (parent === 'lxc' && segment !== '' ? segment : undefined);
  if (lxc !== undefined) return { id: shown(lxc), runtime: 'lxc' };
  const machine = /^(?:machine-|systemd-nspawn@)(.+)\.(?:scope|service)$/.exec(segment)?.[1];
  return machine === undefined ? null : { id: shown(machine), runtime: 'nspawn' };
}

/** `pod<uid>` of cgroupfs, `kubepods-burstable-pod<uid with _>.slice` of systemd. */
function podOf(segments: readonly string[]): string | null {
  for (const segment of segments) {
    const uid = /(?:^|-)pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice|:|$)/.exec(segment)?.[1];
    if (uid !== undefined) return uid.replaceAll('_', '-');
  }
  return null;
}

const shown = (name: string): string => clip(escapeText(name), 128);
