import type { Probe } from '../format.ts';

const firstKeys = /^\{[\t-\r ]*"(?:nodes|arg_nodes|heads|node_row_ptr|attrs)"/;
const opened = /^\{[\t-\r ]*$/;

/**
 * A graph begins with one of its five keys: MXNet refuses every other. The blanks behind the bracket may go on beyond what
 * is probed; a file with a symbol's name that begins as an object does, or is empty, is read as one, too.
 */
export function looksLikeSymbol({ head, name }: Probe): boolean {
  const text = Buffer.from(head).toString('latin1').replace(/^\xef\xbb\xbf/, '').replace(/^[\t-\r ]+/, '');
  if (firstKeys.test(text)) return true;
  if ((text === '' || text.startsWith('{')) && /symbol\.json$/i.test(name)) return true;
  return opened.test(text) && head.length === 4_096;
}
