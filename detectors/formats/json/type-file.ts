import { defineFormat } from '../format.ts';
import { checkClass } from './gluonts.ts';

/** `type.txt` of a GluonTS predictor: the path of a class that is imported and asked to build itself from the folder. */
export const gluontsType = defineFormat({
  name: 'gluonts-type',
  fits: ({ name, head, size }) => name === 'type.txt' && size <= 1_024 && /^\s*[\w.]+\s*$/.test(Buffer.from(head).toString('latin1')),
  inspect(source, report) {
    const path = Buffer.from(source.read(0, source.size)).toString('latin1').trim();
    checkClass(path, true, { offset: 0, length: source.size }, report);
    report.parsed(source.size);
  },
});
