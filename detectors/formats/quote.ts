import { escapeText, readText } from '../../agent/contract/text.ts';

/**
 * Hostile text in quotation marks for a message: escaped, at most `limit` characters of it, a cut marked by `…`.
 * Bytes are written as UTF-8 where they are, as `\xNN` where not.
 */
export function quoted(content: string | Uint8Array, limit = 80): string {
  const text = typeof content === 'string' ? escapeText(content.slice(0, limit + 1).replaceAll('\\', '\\\\')) : readText(content, limit + 1);
  const plain = text.replaceAll('"', '\\"');
  return `"${plain.length > limit ? `${plain.slice(0, limit)}…` : plain}"`;
}
