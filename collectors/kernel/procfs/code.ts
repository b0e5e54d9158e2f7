/** Which files a process with MXNet has in its memory as code, and which of them came later than its MXNet. */
import { fileIdentity } from './describe.ts';
import { locate, unknownFile } from './library.ts';
import type { FileMapping } from './maps.ts';
import type { MappedCode } from './member.ts';
import { showBytes } from './parse.ts';
import type { Tally } from './tally.ts';
import { placeOf, type View } from './view.ts';

/** `told`: beyond, one process's are counted and not told. `known`: beyond, files are told again when they stay. */
const most = { told: 512, known: 8_192 };

export interface Program { readonly pid: number; readonly startTicks: number; readonly executable: string | null }
interface Known extends Program { readonly files: Set<string>; told: number }

export interface Code {
  /** What is new since the last look at this program of this process; at the first, nothing. */
  compare(program: Program, maps: readonly FileMapping[]): readonly FileMapping[];
  forget(pid: number): void;
}

export function createCode(tally: Tally): Code {
  const processes = new Map<number, Known>();
  return {
    compare(program, maps) {
      const before = processes.get(program.pid);
      const isSame = before !== undefined && before.startTicks === program.startTicks && before.executable === program.executable;
      const known: Known = isSame ? before : { ...program, files: new Set(), told: 0 };
      processes.set(program.pid, known);
      const found: FileMapping[] = [];
      for (const mapping of maps) {
        if (!mapping.executable || !mapping.path.startsWith('/')) continue;
        const key = `${mapping.device}:${mapping.inode} ${mapping.path}`;
        if (known.files.has(key)) continue;
        if (known.files.size >= most.known) known.files.clear();
        known.files.add(key);
        if (!isSame) continue;
        if (known.told >= most.told) { tally.add(`file mapped as code beyond ${most.told} in one process`, String(program.pid)); continue; }
        known.told += 1;
        found.push(mapping);
      }
      return found;
    },
    forget(pid) { processes.delete(pid); },
  };
}

export function describeCode(view: View, mapping: FileMapping): MappedCode {
  const found = locate(view, mapping);
  return {
    place: found.unlinked ? { path: showBytes(found.inside) } : placeOf(view, found.inside),
    file: found.stat === null ? unknownFile(mapping) : fileIdentity(found.stat), unlinked: found.unlinked,
  };
}
