import { defineFormat, type Probe } from '../format.ts';
import { BudgetError, type Report } from '../report.ts';
import { longestRead, slice, type Source } from '../source.ts';
import { looksLikeSymbol } from '../symbol/likeness.ts';
import { tellPointers } from '../symbol/pointers.ts';
import { createVoice } from '../symbol/voice.ts';
import { looksLikeNotebook } from '../text/likeness.ts';
import { listen } from './listener.ts';
import { readJson } from './reader.ts';

const longest = 67_108_864;

/** JSON that is no symbol. Brackets alone are not enough: configuration files begin with them, too. */
function fits(probe: Probe): boolean {
  if (looksLikeSymbol(probe) || looksLikeNotebook(probe)) return false;
  const text = Buffer.from(probe.head).toString('latin1').replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/\.(?:json|ipynb)$/i.test(probe.name)) return /^(?:$|[{["\dtfnNI-])/.test(text);
  return /^(?:\{\s*["}]|\[\s*[[{"\]\d-])/.test(text) || (/^[{[]\s*$/.test(text) && probe.size > probe.head.length);
}

/** JSON documents, those above all that name classes to be imported and called: GluonTS predictors, jsonpickle. */
export const json = defineFormat({
  name: 'json',
  fits,
  inspect(source, report, name) {
    const bytes = load(source);
    const names = { model: name.slice(name.lastIndexOf('/') + 1) === 'gluonts-config.json' };
    try {
      const end = readJson(bytes, units => { report.budget.spend(units); }, reading => listen(reading, report, names, keys => { if (isGraph(keys)) tellGraph(bytes, report); }));
      afterwards(bytes, end, source, report);
    } catch (error) {
      if (error instanceof RangeError && !(error instanceof BudgetError)) {
        report.malformed();
        const offset = Number(/offset (\d+)/.exec(error.message)?.[1] ?? 0);
        report.note({ rule: 'json.malformed', severity: 'medium', confidence: 0.8, message: error.message, where: { offset }, techniques: ['AML.T0076'] });
      }
      throw error;
    }
  },
});

/** MXNet's reader knows no other keys beside these, and a graph without one of the latter two is none. */
const isGraph = (keys: ReadonlySet<string>): boolean => keys.has('nodes') && (keys.has('heads') || keys.has('arg_nodes'));

function tellGraph(bytes: Uint8Array, report: Report) {
  report.note({
    rule: 'json.symbol', severity: 'medium', confidence: 0.7, where: { offset: 0 }, techniques: ['AML.T0076', 'T1036'],
    message: 'The document has the keys of a symbol behind one that MXNet refuses: another program may load it, and its operators were not judged',
  });
  tellPointers(bytes, createVoice(report));
}

function load(source: Source): Uint8Array {
  if (source.size > longest) throw new BudgetError(`JSON of more than ${longest} bytes is not read`);
  const bytes = new Uint8Array(source.size);
  for (let from = 0; from < source.size; from += longestRead) bytes.set(source.read(from, Math.min(longestRead, source.size - from)), from);
  return bytes;
}

function afterwards(bytes: Uint8Array, end: number, source: Source, report: Report) {
  let at = end;
  while (at < bytes.length && [0x20, 0x0a, 0x0d, 0x09].includes(bytes[at] ?? 0)) at += 1;
  report.budget.spend((at - end) / 50);
  report.parsed(at);
  if (at === bytes.length) return;
  report.malformed();
  report.note({
    rule: 'json.trailing', severity: 'medium', confidence: 0.8, where: { offset: at, length: bytes.length - at }, techniques: ['AML.T0076', 'T1027.009'],
    message: `${bytes.length - at} bytes follow the document`,
  });
  report.nested('trailing', slice(source, at, bytes.length - at));
}
