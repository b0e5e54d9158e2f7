import { defineFormat } from '../format.ts';
import { checkClass } from './gluonts.ts';

/** A path of Python has no more. */
const longest = 1_024;
const mostPaths = 20;

/** `type.txt` of a GluonTS predictor: the path of a class that is imported and asked to build itself from the folder. */
export const gluontsType = defineFormat({
  name: 'gluonts-type',
  // By its name alone: a reader may strip, split or cut it, so whatever is more than one path is not what GluonTS wrote.
  fits: ({ name }) => name === 'type.txt',
  inspect(source, report) {
    const text = Buffer.from(source.read(0, longest)).toString('latin1');
    const where = { offset: 0, length: source.size };
    const paths = text.match(/[\w.]+/g)?.filter((path, index) => index === 0 || /\w\.\w/.test(path)) ?? [];
    for (const path of paths.slice(0, mostPaths)) checkClass(path, true, where, report);
    report.parsed(Math.min(source.size, longest));
    if (source.size <= longest && /^[\w.]+[\r\n]*$/.test(text)) return;
    report.malformed();
    report.note({
      rule: 'gluonts.type-file', severity: 'medium', confidence: 0.8, where, techniques: ['AML.T0011.000', 'AML.T0076'],
      message: `The file of a predictor's type holds ${source.size} bytes that are not just one class path: readers may take different parts of it`,
    });
    if (source.size > longest) report.skipped({ offset: longest, length: source.size - longest, why: 'a type file is one class path' });
  },
});
