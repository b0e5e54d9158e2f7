import test from 'ava';
import fc from 'fast-check';
import { bytesOf, escapeText, readText } from '../../../agent/contract/text.ts';

test('any name reads as text without control or bidi characters and gives its bytes back', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
    const text = readText(bytes);
    t.notRegex(text, /[\u0000-\u001f\u007f-\u009f\u202e\u2066]/);
    t.deepEqual(bytesOf(text), Buffer.from(bytes));
    t.is(escapeText(text), text);
  }), { numRuns: 2_000 });
});

test('text in any script stays readable', t => {
  t.is(readText(Buffer.from('Modell-Größe_模型.params')), 'Modell-Größe_模型.params');
});

test('a newline, a colour, a right-to-left override and a lone byte are shown as what they are', t => {
  t.is(readText(Buffer.concat([Buffer.from('a\n\u001b[31m\u202e\\'), Buffer.from([0xff])])), String.raw`a\x0a\x1b[31m\u{202e}\\\xff`);
});

test('a cut is marked', t => {
  t.is(readText(Buffer.from('abcdef'), 3), 'abc…');
});
