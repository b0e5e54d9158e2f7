import { quoted } from '../quote.ts';
import type { Budget } from '../report.ts';
import { leavingLink, type MemberFlaw, throughLink } from './member-flaw.ts';
import { linkLeaves, partsOf } from './member-name.ts';
import type { Tell } from './tar-flaws.ts';

/** The links of one archive so far, and what unpacking would reach through them. Names and targets as their bytes stand there. */
export interface Links {
  soft(name: Uint8Array, target: Uint8Array, at: number): void;
  /** Its target is a path in the archive; gives whether it is one to a symbolic link or leads out, and so is followed like one. */
  hard(name: Uint8Array, target: Uint8Array, at: number): boolean;
  /** A file is written at this place; what is there already is followed by some unpackers. */
  file(name: Uint8Array, at: number): void;
  count(): number;
}

/** PATH_MAX of Linux, and the links it follows in one path. */
const [longestTarget, mostHops] = [4_096, 40];
/** A path of more is told by its name, and not followed. */
const mostParts = 400;

export function createLinks(budget: Budget, tell: Tell, judge: (flaw: MemberFlaw, name: Uint8Array, at: number) => void): Links {
  const targets = new Map<string, string>();
  const files = new Set<string>();
  let count = 0;

  /** Follows links as the kernel does: `..` leaves the folder that a link led to, not the one it stands in. */
  function reach(path: string): 'inside' | 'outside' | 'nowhere' {
    const left = path.split('/').reverse();
    if (left.length > mostParts) return 'nowhere';
    const here: string[] = [];
    for (let hops = 0; left.length > 0;) {
      budget.spend(0.2 + here.length / 100);
      const part = left.pop() ?? '';
      if (part === '..') {
        if (here.pop() === undefined) return 'outside';
        continue;
      }
      here.push(part);
      const target = targets.get(here.join('/'));
      if (target === undefined) continue;
      if (target.startsWith('/')) return 'outside';
      if (++hops > mostHops || left.length + here.length > mostParts) return 'nowhere';
      here.pop();
      left.push(...partsOf(target).reverse());
    }
    return 'inside';
  }

  function judgeTarget(name: Uint8Array, target: Uint8Array, at: number): boolean {
    const fine = target.length > 0 && !target.includes(0) && target.length <= longestTarget;
    if (!fine) tell('link-target', at, `The link ${quoted(name)} has a target that no system takes: ${quoted(target)}`);
    return fine;
  }

  return {
    soft(name, target, at) {
      count += 1;
      if (!judgeTarget(name, target, at)) return;
      const path = pathOf(name);
      targets.set(path, latin(target));
      const reached = linkLeaves(path, latin(target)) ? 'outside' : reach(path);
      if (reached === 'outside') judge(leavingLink('link', name, target), name, at);
      if (reached === 'nowhere') tell('link-target', at, `The link ${quoted(name)} leads to itself`);
    },
    hard(name, target, at) {
      count += 1;
      if (!judgeTarget(name, target, at)) return false;
      const [path, place] = [pathOf(name), pathOf(target)];
      if (linkLeaves('', latin(target)) || reach(place) === 'outside') {
        judge(leavingLink('hard link', name, target), name, at);
        targets.set(path, `/${place}`);
        return true;
      }
      const through = targets.get(place);
      if (through !== undefined) targets.set(path, through);
      else if (files.has(place)) files.add(path);
      else tell('link-missing', at, `The hard link ${quoted(name)} is one to ${quoted(target)}, which does not stand before it: it would be one to what lies on the disk`);
      return through !== undefined;
    },
    file(name, at) {
      const path = pathOf(name);
      const target = targets.get(path);
      if (target !== undefined && reach(path) === 'outside') judge(throughLink(`The file ${quoted(name)} is written where a link leads out: unpackers that follow it write to ${quoted(Buffer.from(target, 'latin1'))}`), name, at);
      files.add(path);
    },
    count: () => count,
  };
}

/** A letter a byte, so that no two names fall together. */
const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const pathOf = (name: Uint8Array): string => partsOf(latin(name)).join('/');
