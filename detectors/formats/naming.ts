import type { Observation } from '../../agent/contract/finding.ts';
import { type Expectation, expectationOf } from './expectation.ts';
import type { Format } from './kind.ts';
import { quoted } from './quote.ts';

const words: { readonly [Each in Format]: string } = {
  'ndarray-container': 'an NDArray container', 'symbol-json': 'a symbol', json: 'JSON', pickle: 'a Python pickle', zip: 'a zip archive',
  npz: 'a NumPy archive', npy: 'a NumPy array', gzip: 'compressed data', tar: 'a tar archive', recordio: 'RecordIO', elf: 'a program or library of Linux (ELF)',
  pe: 'a program of Windows (PE)', 'mach-o': 'a program of macOS (Mach-O)', 'java-class': 'a Java class', script: 'a script', 'python-source': 'Python source',
  text: 'plain text', empty: 'empty', unknown: 'of no known format',
};
const native: readonly Format[] = ['elf', 'pe', 'mach-o'];
/** What the kernel runs under any name. */
const direct: readonly Format[] = [...native, 'script'];
/** Names that programs and libraries have: without an ending, with a version, or with one of theirs. */
const programNames = /^[^.]+$|\.(?:o|a|ko|exe|dll|dylib|bundle|out|elf|node|pyd|class)$|\.so(?:\.\d+)*$|\.\d+$/i;

/** What runs, or holds what runs, when something other than the array loader opens it. */
const executable: readonly Format[] = [...direct, 'java-class', 'python-source', 'pickle', 'zip', 'tar'];

/**
 * Suspects a file whose content is not what its name promises. MXNet looks at content only, an analyst at names only,
 * and other programs at either: so native code under the name of parameters, a symbol, states or arrays is critical, a
 * script, archive or pickle there is high, and so is a program or script under any name that promises something else.
 * Any other disagreement is medium (an empty file, which a crash leaves behind, low). Native code under a name of its own
 * is low: it runs code wherever it is loaded.
 * False positives: encrypted models, private formats under known endings, files cut by a full disk.
 */
export function judgeName(name: string, format: Format): readonly Observation[] {
  const promised = expectationOf(name);
  if (promised === null && native.includes(format) && !programNames.test(name)) return [executableContent(name, format, { called: 'another kind of file' })];
  if (promised === null || promised.formats.includes(format)) return native.includes(format) ? [nativeCode(name, format)] : [];
  const runs = promised.model ? executable : direct;
  if (promised.model && native.includes(format)) return [{ ...executableContent(name, format, promised), severity: 'critical' }];
  return [runs.includes(format) ? executableContent(name, format, promised) : disagreement(name, format, promised)];
}

const executableContent = (name: string, format: Format, promised: Pick<Expectation, 'called'>): Observation => ({
  rule: 'kind.executable-content', severity: 'high', confidence: format === 'python-source' || format === 'pickle' ? 0.7 : 0.9,
  techniques: ['AML.T0074', 'AML.T0018.002', 'T1036.008'],
  summary: `${quoted(name)} is named like ${promised.called} but is ${words[format]}: it is made to be run, not loaded`,
});

const disagreement = (name: string, format: Format, promised: Expectation): Observation => ({
  rule: 'kind.disagrees-with-name', severity: format === 'empty' ? 'low' : 'medium', confidence: format === 'unknown' ? 0.5 : 0.7,
  techniques: ['AML.T0074', 'T1036.008'],
  summary: `${quoted(name)} is named like ${promised.called} but is ${words[format]}`,
});

const nativeCode = (name: string, format: Format): Observation => ({
  rule: 'kind.native-code', severity: 'low', confidence: 0.4, techniques: ['AML.T0011.000', 'T1129'],
  summary: `${quoted(name)} is ${words[format]} and lies among models`,
});
