import { quoted } from '../quote.ts';

/** Letters of Greek and Cyrillic that look like Latin ones. */
const lookalike = /[\u0391\u0392\u0395-\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c-\u041e\u0420-\u0422\u0425\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u0501]/;

/** What a name looks like and is not (PEP 3131: Python compares names in the form NFKC). Null for ordinary names. */
export function confusion(name: string): string | null {
  if (/^[\0-\x7f]*$/.test(name)) return null;
  const plain = name.slice(0, 200).normalize('NFKC');
  if (plain !== name && /^\w+$/.test(plain)) return `The name ${quoted(name)} is ${quoted(plain)} for Python, and looks otherwise`;
  if (lookalike.test(name) && /[A-Za-z]/.test(name)) return `The name ${quoted(name)} has letters of other scripts that look like its own`;
  return null;
}
