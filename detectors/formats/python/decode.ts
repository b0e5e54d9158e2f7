import { quoted } from '../quote.ts';
import type { Severity } from '../../../agent/contract/finding.ts';

export interface Decoded {
  /** Every end of line is `\n`, as Python reads it; the byte order mark is gone. */
  readonly text: string;
  readonly remarks: readonly EncodingRemark[];
}
export interface EncodingRemark { readonly rule: string; readonly severity: Severity; readonly line: number; readonly message: string; readonly techniques: readonly string[] }

/** Declaration of the encoding in one of the first two lines (PEP 263), as CPython looks for it. */
const declaration = /^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)/;
const blankLine = /^[ \t\f]*(?:#.*)?$/;
const unicode = /^(?:utf-?8(?:-sig)?|u8|utf|cp65001)$/;
const ascii = /^(?:(?:us-)?ascii|646|ansi-x3.*)$/;
/** One byte a character, the lower half as in ASCII. */
const single = /^(?:latin-?\d+|l\d|iso-?8859-?\d+|cp(?:12\d\d|437|850|852|855|857|858|86\d|874)|windows-12\d\d|koi8-[rut]|mac-\w+|macroman|kz1048)$/;
const several = /^(?:gbk|gb2312|gb18030|big5(?:hkscs)?|shift-?jis(?:-2004|x0213)?|sjis|s-jis|cp93[26]|cp949|cp950|euc-?(?:jp|kr|cn)(?:x0213|-jis.*)?|johab|uhc)$/;
/** Codecs in which plain letters stand for others: what is read is not what runs. */
const shifting = /^(?:utf-?7|u7|unicode-1-1-utf-7|utf-?16.*|utf-?32.*|u16|u32|rot-?13|raw-unicode-escape|unicode-escape|string-escape|punycode|idna|hz(?:-gb.*)?|iso-?2022.*|cp(?:037|273|424|500|864|875|1026|1140)|ebcdic.*|palmos|undefined|.*-codec|hex|base-?64|zlib|zip|bz2|quopri|quoted-printable|uu)$/;

/** Source text as Python decodes it, and what is remarkable about the way. */
export function decodeSource(bytes: Uint8Array): Decoded {
  const remarks: EncodingRemark[] = [];
  const tell: Tell = (rule, severity, line, message, techniques = ['T1027', 'AML.T0076']) => { remarks.push({ rule, severity, line, message, techniques }); };
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const body = marked ? bytes.subarray(3) : bytes;
  const declared = declaredEncoding(body);
  const text = decodeAs(body, declared, marked, tell);
  lookAtLetters(text, tell);
  return { text: text.replace(/\r\n?/g, '\n'), remarks };
}

type Tell = (rule: string, severity: Severity, line: number, message: string, techniques?: readonly string[]) => void;

function declaredEncoding(body: Uint8Array): { readonly name: string; readonly line: number } | null {
  const lines = Buffer.from(body.subarray(0, 4_096)).toString('latin1').split(/\r\n?|\n/, 2);
  for (const [index, line] of lines.entries()) {
    const name = declaration.exec(line)?.[1];
    if (name !== undefined) return { name, line: index + 1 };
    if (!blankLine.test(line)) return null;
  }
  return null;
}

function decodeAs(body: Uint8Array, declared: ReturnType<typeof declaredEncoding>, marked: boolean, tell: Tell): string {
  const name = declared?.name.toLowerCase().replaceAll('_', '-') ?? 'utf-8';
  const line = declared?.line ?? 1;
  const isAscii = body.every(byte => byte < 0x80);
  const shown = quoted(declared?.name ?? '');
  if (marked && !unicode.test(name)) tell('encoding', 'high', line, `It begins with the mark of UTF-8 and declares the encoding ${shown}: Python refuses it`);
  if (unicode.test(name) || ascii.test(name)) return utf8(body, tell);
  if (shifting.test(name)) {
    tell('encoding', 'critical', line, `It declares the encoding ${shown}, in which plain letters may stand for others: what is read is not what runs`);
    return /escape/.test(name) ? escapes(body) : Buffer.from(body).toString('latin1');
  }
  if (single.test(name)) {
    if (!isAscii) tell('encoding', 'low', line, `It is written in ${shown} and not in UTF-8`, ['T1027']);
    return Buffer.from(body).toString('latin1');
  }
  tell('encoding', several.test(name) ? (isAscii ? 'low' : 'medium') : 'medium', line, several.test(name) ? `It is written in ${shown}, in which a letter may hold a quote or a backslash` : `It declares the encoding ${shown}, which is not known`, ['T1027']);
  return Buffer.from(body).toString('latin1');
}

function utf8(body: Uint8Array, tell: Tell): string {
  try { return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body); } catch {
    tell('encoding', 'medium', 1, 'It is not UTF-8 and declares no other encoding: Python refuses it', ['AML.T0076']);
    return Buffer.from(body).toString('latin1');
  }
}

/** What raw_unicode_escape and unicode_escape make of the bytes; line ends among them. */
const escapes = (body: Uint8Array): string => Buffer.from(body).toString('latin1').replace(/\\(?:u([\da-f]{4})|x([\da-f]{2})|n)/gi, (all, unit: string | undefined, byte: string | undefined) => {
  const code = unit ?? byte;
  return code === undefined ? (all === '\\n' ? '\n' : all) : String.fromCharCode(Number.parseInt(code, 16));
});

const bidi = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const turning = /[\u202a-\u202e\u2066-\u2069]/;
const invisible = /[\u200b-\u200d\u2060-\u2064\ufeff]|\udb40[\udc00-\udc7f]/;
const control = /[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]/;

/** Letters that show something else than there is. */
function lookAtLetters(text: string, tell: Tell) {
  const lineAt = (at: number) => { let line = 1; for (let from = text.indexOf('\n'); from >= 0 && from < at; from = text.indexOf('\n', from + 1)) line += 1; return line; };
  const first = (pattern: RegExp, then: (line: number) => void) => { const at = text.search(pattern); if (at >= 0) then(lineAt(at)); };
  first(/\0/, line => { tell('nul', 'high', line, 'A NUL stands in it: older Pythons end the line there, newer ones refuse the file'); });
  first(/\r(?!\n)/, line => { tell('newline', 'high', line, 'A carriage return alone ends a line for Python, and not for many who show it: what follows looks like a part of the line before'); });
  first(/\x1b/, line => { tell('control', 'medium', line, 'An escape character stands in it, which a terminal may obey', ['T1027']); });
  first(control, line => { tell('control', 'low', line, 'A control character stands in it', ['T1027']); });
  if (/^[\0-\x7f]*$/.test(text)) return;
  first(/[\x85\u2028\u2029]/, line => { tell('newline', 'medium', line, 'A line separator stands in it, which ends a line for some who show it, and not for Python'); });
  first(bidi, line => { tell('bidi', turning.test(text) ? 'high' : 'low', line, 'Direction marks stand in it: what is shown is not the order of what runs', ['T1036.002', 'T1027']); });
  first(invisible, line => { tell('invisible', 'medium', line, 'Invisible characters stand in it', ['T1027']); });
}
