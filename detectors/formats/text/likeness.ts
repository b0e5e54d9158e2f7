import type { Probe } from '../format.ts';
import { kindOf } from '../kind.ts';
import { interpreterOf } from './shebang.ts';

/** Which reader of text takes a file. One takes it at most; other formats may fit beside it. */
export type TextKind = 'python' | 'path-file' | 'requirements' | 'notebook' | 'script' | 'text';

const sourceName = /\.(?:py|pyi|pyw|pyx)$/i;
const requirementsName = /^(?:requirements|constraints)(?:[-_.][\w.-]*)?\.(?:txt|in|pip)$|[-_.](?:requirements|constraints)\.(?:txt|in)$/i;
const scriptName = /\.(?:sh|bash|zsh|ksh|csh|fish|command)$/i;
/** Names of what people read, and not programs. */
const proseName = /\.(?:txt|md|markdown|rst|csv|tsv|log|html?|xml|css|ya?ml|toml|ini|cfg|conf|properties|lst|names|labels|idx|tex|svg)$|^(?:readme|license|licence|copying|notice|authors|changelog|changes|version|manifest(?:\.in)?|\.gitignore|\.gitkeep|\.dockerignore|dockerfile|makefile|setup\.cfg|py\.typed)$/i;
/** What has a reader of its own, whatever its name. */
const signed = new Set(['ndarray-container', 'zip', 'npz', 'npy', 'gzip', 'tar', 'recordio', 'elf', 'pe', 'mach-o', 'java-class']);

export function textKindOf(probe: Probe): TextKind | null {
  const { name, head } = probe;
  const { format } = kindOf(name, head);
  if (signed.has(format)) return null;
  if (/\.ipynb$/i.test(name)) return looksLikeNotebook(probe) ? 'notebook' : null;
  if (sourceName.test(name)) return 'python';
  if (format === 'script') return interpreterOf(head) === 'python' ? 'python' : 'script';
  if (/\.pth$/i.test(name)) return format === 'text' || format === 'python-source' || format === 'empty' ? 'path-file' : null;
  if (requirementsName.test(name)) return 'requirements';
  if (scriptName.test(name) && format !== 'unknown') return 'script';
  if (format === 'symbol-json' || format === 'pickle') return null;
  if (proseName.test(name)) return format === 'unknown' && !isOtherText(head) ? null : 'text';
  if (format === 'python-source') return 'python';
  // Settings begin with a bracket, too.
  return format === 'text' || format === 'json' ? 'text' : null;
}

/** nbformat 3 and 4: a JSON object. */
export const looksLikeNotebook = ({ name, head }: Pick<Probe, 'name' | 'head'>): boolean => /\.ipynb$/i.test(name) && /^\s*\{/.test(Buffer.from(head.subarray(0, 4_096)).toString('latin1').replace(/^\xef\xbb\xbf/, ''));

/** Text that is not UTF-8: no control characters but those of lines, or a mark of UTF-16. */
function isOtherText(head: Uint8Array): boolean {
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) return true;
  return !head.some(byte => byte < 0x09 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b) || byte === 0x7f);
}
