import test from 'ava';
import { inBrief } from '../../../detectors/formats/brevity.ts';
import { inspectSource } from '../../../detectors/formats/dispatch.ts';
import { defineFormat } from '../../../detectors/formats/format.ts';
import type { Note } from '../../../detectors/formats/report.ts';
import { sourceOf } from '../../../detectors/formats/source.ts';

const note = (severity: Note['severity'], rule: string): Note => ({ rule, severity, confidence: 1, message: 'x', where: {}, techniques: [] });

test('ten of a rule and severity are told, and the others are counted, also when the parser ends by an error', t => {
  for (const error of [null, new RangeError('cut')]) {
    const chatty = defineFormat({
      name: 'chatty', fits: () => true,
      inspect: inBrief((_source, report) => {
        for (let times = 0; times < 25; times++) { report.note(note('low', 'a.b')); report.note(note('high', 'a.b')); }
        for (let times = 0; times < 10; times++) report.note(note('low', 'a.c'));
        if (error) throw error;
      }),
    });
    const { observations } = inspectSource('a', sourceOf(new Uint8Array(9)), [chatty]);
    const count = (severity: string, rule: string) => observations.filter(each => each.severity === severity && each.rule === rule).length;
    t.deepEqual([count('low', 'a.b'), count('high', 'a.b'), count('low', 'a.c')], [10, 10, 10]);
    t.deepEqual(observations.filter(({ severity }) => severity === 'info').map(({ rule, summary }) => `${rule}: ${summary}`), ['a.b: 15 more of low a.b in this file', 'a.b: 15 more of high a.b in this file']);
    t.is(observations.some(({ rule }) => rule === 'chatty.malformed'), error !== null);
  }
});
