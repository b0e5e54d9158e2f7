import { defineFormat } from '../format.ts';

/** CPython Lib/importlib/_bootstrap_external.py: MAGIC_NUMBER is a version below 4,000 (Python 3) or above 20,000 (1 and 2), then CR LF. */
function versionOf(head: Uint8Array): number | null {
  const version = (head[0] ?? 0) + (head[1] ?? 0) * 256;
  const known = (version >= 3_000 && version < 4_000) || (version >= 20_000 && version < 63_000);
  return head.length >= 8 && head[2] === 0x0d && head[3] === 0x0a && known ? version : null;
}

/** Compiled Python (`.pyc`): code that runs as soon as it is imported, and that nobody can read. It is told and not read. */
export const bytecode = defineFormat({
  name: 'python-bytecode',
  fits: ({ name, head }) => versionOf(head) !== null && (/\.py[co]$/i.test(name) || ((head[4] ?? 0) < 4 && head[5] === 0 && head[6] === 0 && head[7] === 0)),
  inspect(source, report) {
    const version = versionOf(source.read(0, 16));
    report.inventory('bytecode', { version });
    report.note({
      rule: 'python.bytecode', severity: 'high', confidence: 0.7, where: { offset: 0 }, techniques: ['T1027', 'T1059.006', 'AML.T0011.001'],
      message: `It is compiled Python (number ${version}): it runs as soon as it is imported, also without its source, and it was not read`,
    });
    report.skipped({ offset: 0, length: source.size, why: 'compiled Python is not read' });
  },
});
