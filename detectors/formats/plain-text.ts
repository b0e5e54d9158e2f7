import { defineFormat } from './format.ts';
import { kindOf } from './kind.ts';

/** What people write beside a model and no program runs; what is installed or names a class has parsers of its own. */
const names = /(?:\.(?:txt|md|rst|csv|tsv|mf)|^(?:readme|license|licence|notice|authors|changelog|copying))$/i;
const programs = /^(?:requirements.*|constraints.*|type)\.txt$/i;
const windowBytes = 1_048_576;
const mostTold = 5;

/**
 * Labels, notes and licences: UTF-8 from the first byte to the last, or it is malformed. Control characters are told, since an
 * escape sequence repaints the terminal of whoever reads the text.
 */
export const plainText = defineFormat({
  name: 'text',
  fits: ({ name, head }) => names.test(name) && !programs.test(name) && kindOf(name, head).format === 'text',
  inspect(source, report) {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    let told = 0;
    for (let at = 0; at < source.size; at += windowBytes) {
      const piece = source.read(at, Math.min(windowBytes, source.size - at));
      report.budget.spend(1 + piece.length / 200);
      let text: string;
      try { text = decoder.decode(piece, { stream: at + piece.length < source.size }); } catch { throw new RangeError(`it is not UTF-8 between byte ${at} and ${at + piece.length}`); }
      if (/[\0-\x08\x0e-\x1f\x7f]/.test(text) && told++ < mostTold) {
        const offset = at + piece.findIndex(byte => byte < 9 || (byte > 13 && byte < 32) || byte === 127);
        report.note({ rule: 'text.control', severity: 'medium', confidence: 0.7, message: 'The text holds control characters', where: { offset }, techniques: ['AML.T0076'] });
      }
      report.parsed(piece.length);
    }
  },
});
