/**
 * How text from outside is written down. Names, arguments and paths are chosen by whoever attacks: a newline forges
 * a log line, an escape sequence repaints a terminal, a bidi control reverses what an analyst reads.
 */

// C0 and C1 controls, bidi controls, zero-width and line separators, byte order mark, lone surrogates, tag characters.
const hostile = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/g;

const beyondAscii = /[^ -~]/;

/** Control, bidi and invisible characters as `\xNN` (ASCII) or `\u{N}`. Leaves text that is escaped already as it is. */
export function escapeText(text: string): string {
  // Nearly all text, and a fraction of the time.
  if (!beyondAscii.test(text)) return text;
  return text.replace(hostile, found => {
    const point = found.codePointAt(0) ?? 0;
    return point < 0x80 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
  });
}

/**
 * Bytes as text, at most `limit` of them: UTF-8 where it is, `\xNN` where it is not, `\` as `\\`, and as `escapeText`.
 * Two different names never read alike, and `bytesOf` gives the bytes back. A cut is marked by `…` at the end.
 */
export function readText(bytes: Uint8Array, limit = 4_096): string {
  const cut = bytes.length > limit ? bytes.subarray(0, limit) : bytes;
  let text: string;
  try { text = strict.decode(cut).replaceAll('\\', '\\\\'); } catch { text = [...runs(cut)].join(''); }
  return bytes.length > limit ? `${escapeText(text)}…` : escapeText(text);
}

/** The bytes that `readText` was given, unless it cut them. */
export function bytesOf(text: string): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (const found of text.matchAll(/\\(?:\\|x([0-9a-f]{2})|u\{([0-9a-f]{1,6})\})/g)) {
    parts.push(Buffer.from(text.slice(from, found.index)));
    if (found[1] !== undefined) parts.push(Buffer.from([Number.parseInt(found[1], 16)]));
    else if (found[2] !== undefined) parts.push(Buffer.from(String.fromCodePoint(Math.min(Number.parseInt(found[2], 16), 0x10ffff))));
    else parts.push(Buffer.from('\\'));
    from = found.index + found[0].length;
  }
  parts.push(Buffer.from(text.slice(from)));
  return Buffer.concat(parts);
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Valid UTF-8 sequences decoded, every other byte as `\xNN`. */
function* runs(bytes: Uint8Array): Generator<string> {
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    let piece: string | undefined;
    // What is not UTF-8 is written as a byte below; nothing is left out.
    try { piece = strict.decode(bytes.subarray(at, at + length)).replaceAll('\\', '\\\\'); } catch { piece = undefined; }
    yield piece ?? `\\x${first.toString(16).padStart(2, '0')}`;
    at += piece === undefined ? 1 : length;
  }
}
