import test from 'ava';
import fc from 'fast-check';
import { canonicalJson } from '../../../agent/audit/canonical-json.ts';

// RFC 8785, appendix B.
const numbers: Readonly<Record<string, string>> = {
  '0000000000000000': '0', '8000000000000000': '0', '0000000000000001': '5e-324', '8000000000000001': '-5e-324',
  '7fefffffffffffff': '1.7976931348623157e+308', 'ffefffffffffffff': '-1.7976931348623157e+308', '4340000000000000': '9007199254740992',
  'c340000000000000': '-9007199254740992', '4430000000000000': '295147905179352830000', '44b52d02c7e14af5': '9.999999999999997e+22',
  '44b52d02c7e14af6': '1e+23', '44b52d02c7e14af7': '1.0000000000000001e+23', '444b1ae4d6e2ef4e': '999999999999999700000',
  '444b1ae4d6e2ef4f': '999999999999999900000', '444b1ae4d6e2ef50': '1e+21', '3eb0c6f7a0b5ed8c': '9.999999999999997e-7', '3eb0c6f7a0b5ed8d': '0.000001',
  '41b3de4355555553': '333333333.3333332', '41b3de4355555554': '333333333.33333325', '41b3de4355555555': '333333333.3333333',
  '41b3de4355555556': '333333333.3333334', '41b3de4355555557': '333333333.33333343', 'becbf647612f3696': '-0.0000033333333333333333', '43143ff3c1cb0959': '1424953923781206.2',
};

test('numbers are written as RFC 8785 lists them', t => {
  for (const [bits, text] of Object.entries(numbers)) t.is(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE()), text, bits);
});

test('the example of RFC 8785 comes out as it says', t => {
  const given = String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`;
  t.is(canonicalJson(JSON.parse(given)), String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`);
});

test('keys stand in the order of their UTF-16 code units', t => {
  const given = { '\u20ac': 'Euro Sign', '\r': 'Carriage Return', '\ufb33': 'Hebrew Letter Dalet With Dagesh', 1: 'One', '\u{1f600}': 'Emoji: Grinning Face', '\u0080': 'Control', '\u00f6': 'Latin Small Letter O With Diaeresis' };
  t.deepEqual([...canonicalJson(given).matchAll(/:"([^"]+)"/g)].map(match => match[1]), [
    'Carriage Return', 'One', 'Control', 'Latin Small Letter O With Diaeresis', 'Euro Sign', 'Emoji: Grinning Face', 'Hebrew Letter Dalet With Dagesh']);
});

test('what has no canonical form is refused', t => {
  const deep = Array.from({ length: 40 }).reduce<unknown>(inner => [inner], 1);
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, { a: undefined }, 1n, '\ud800', { '\udc00': 1 }, deep]) t.throws(() => canonicalJson(value), { instanceOf: RangeError });
});

test('any JSON keeps its meaning and has one form', t => {
  fc.assert(fc.property(fc.json({ maxDepth: 8 }), text => {
    const value: unknown = JSON.parse(text);
    const form = canonicalJson(value);
    return canonicalJson(JSON.parse(form)) === form && JSON.stringify(JSON.parse(form)).length === form.length;
  }));
  t.pass();
});
