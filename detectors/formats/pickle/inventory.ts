import { escapeText } from '../../../agent/contract/text.ts';
import type { Report } from '../report.ts';
import type { Listener } from './listener.ts';

const mostNames = 200;

export interface Tally extends Pick<Listener, 'opcode' | 'protocol' | 'imported' | 'array' | 'object'> {
  record(bytes: number): void;
  write(report: Report, pickles: number): void;
}

/** What a pickle is made of: protocols, opcodes, imported names, arrays, optimizer and schedulers. */
export function createTally(): Tally {
  const opcodes = new Map<string, number>();
  const [protocols, globals, classes] = [new Set<number>(), new Map<string, number>(), new Map<string, number>()];
  const made = { optimizer: new Set<string>(), scheduler: new Set<string>() };
  const count = (map: Map<string, number>, key: string) => { if (map.has(key) || map.size < mostNames) map.set(key, (map.get(key) ?? 0) + 1); };
  const arrays = { count: 0, bytes: 0 };
  return {
    opcode: ({ name }) => { opcodes.set(name, (opcodes.get(name) ?? 0) + 1); },
    protocol: version => { protocols.add(version); },
    imported: ({ module, name }) => { count(globals, escapeText(`${module} ${name}`.slice(0, 120))); },
    array: ({ module, name }) => { arrays.count += 1; count(classes, `${module} ${name}`); },
    object({ role, module, name }) { if (role === 'optimizer' || role === 'scheduler') made[role].add(`${module} ${name}`); },
    record(bytes) { arrays.bytes += bytes; },
    write(report, pickles) {
      report.inventory('pickles', pickles);
      report.inventory('protocols', [...protocols].sort((a, b) => a - b));
      report.inventory('opcodes', Object.fromEntries([...opcodes].sort()));
      report.inventory('globals', Object.fromEntries([...globals].sort()));
      report.inventory('arrays', { ...arrays, classes: Object.fromEntries(classes) });
      report.inventory('optimizer', [...made.optimizer]);
      report.inventory('schedulers', [...made.scheduler]);
    },
  };
}
