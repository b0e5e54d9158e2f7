import { readText } from '../../../agent/contract/text.ts';
import { quoted } from '../quote.ts';
import type { Source } from '../source.ts';
import { slice } from '../source.ts';
import type { Extension } from './tar-extension.ts';
import type { Tell } from './tar-flaws.ts';
import { blockBytes, type TarHeader } from './tar-header.ts';
import { numberOf } from './tar-pax.ts';
import { expand, flawOf, readOldSparse, readPaxSparse, type Sparse } from './tar-sparse.ts';

export type Kind = 'file' | 'hard-link' | 'link' | 'folder' | 'device' | 'pipe' | 'label';

/** One member as its header and the extensions before it make it. */
export interface Member {
  /** Where the first of its headers stands. */
  readonly at: number;
  readonly kind: Kind;
  readonly name: Uint8Array;
  readonly link: Uint8Array;
  readonly mode: number;
  /** Its content, unpacked; shorter than it should be when the archive ends before it does. */
  readonly content: Source;
  /** Of its data in the archive, which ends with `end`, padding included. */
  readonly data: number;
  readonly size: number;
  readonly end: number;
}

/** What octal in a size field can say; beyond it pax and base 256 begin. */
const largestOctal = 8 ** 11 - 1;
/** So many bytes of holes are nothing, and so many times the data. */
const [holes, ratio] = [67_108_864, 1_000];
const kinds: Readonly<Record<string, Kind>> = { '0': 'file', '\0': 'file', '7': 'file', 'S': 'file', '1': 'hard-link', '2': 'link', '3': 'device', '4': 'device', '5': 'folder', '6': 'pipe', 'V': 'label' };

/** `headerAt`: of the member's own header. Tells what is wrong with it. */
export function resolve(header: TarHeader, headerAt: number, extension: Extension | null, source: Source, tell: Tell): Member {
  const at = extension?.at ?? headerAt;
  const name = nameOf(header, extension, tell, at);
  const shown = readText(name);
  const kind = kindOf(header, name, (flaw, message) => tell(flaw, at, message, shown));
  const link = extension?.pax?.values.get('linkpath') ?? extension?.longLink ?? header.link;
  const size = sizeOf(header, extension, kind, (flaw, message) => tell(flaw, at, message, shown));
  const seen = sparseOf(header, headerAt, extension, size, { source, tell, at, shown });
  const data = headerAt + blockBytes + seen.before;
  const end = data + Math.ceil(size / blockBytes) * blockBytes;
  const body = data + seen.mapBytes;
  const content = seen.sparse ? expand(source, body, seen.sparse) : slice(source, body, Math.max(0, Math.min(size - seen.mapBytes, source.size - body)));
  return { at, kind, name, link, mode: header.mode, content, data, size, end };
}

function nameOf(header: TarHeader, extension: Extension | null, tell: Tell, at: number): Uint8Array {
  const values = extension?.pax?.values;
  const path = values?.get('path');
  const sparse = values?.get('GNU.sparse.name');
  const long = extension?.longName ?? null;
  if (path && long && Buffer.compare(path, long) !== 0) tell('name-twice', at, `A member is named ${quoted(path)} by one extension header and ${quoted(long)} by another`);
  const link = values?.get('linkpath');
  if (link && extension?.longLink && Buffer.compare(link, extension.longLink) !== 0) tell('name-twice', at, `A member's link is ${quoted(link)} by one extension header and ${quoted(extension.longLink)} by another`);
  const plain = path ?? long ?? header.name;
  if (sparse === undefined) return plain;
  // GNU tar stands this name in for readers that know nothing of holes.
  if (!/(?:^|\/)GNUSparseFile\.\d+\/[^/]*$/.test(Buffer.from(plain).toString('latin1'))) tell('sparse-name', at, `A member with holes is named ${quoted(sparse)} for one reader and ${quoted(plain)} for another`);
  return sparse;
}

type Say = (flaw: Parameters<Tell>[0], message: string) => void;

function kindOf({ type }: TarHeader, name: Uint8Array, say: Say): Kind {
  const slash = name.at(-1) === 0x2f;
  const kind = kinds[type];
  if (kind === undefined || type === '7') say('type', `${quoted(name)} has the type ${quoted(type)}: programs differ in what they make of it`);
  if (kind === 'label') say('label', `The archive has the label ${quoted(name)}`);
  if (type === '\0' && slash) return 'folder';
  if (slash && kind !== 'folder' && kind !== 'label') say('slash-file', `${quoted(name)} is no folder for one program, and for another one, whose content is no content`);
  return kind ?? 'file';
}

function sizeOf({ size: stated }: TarHeader, extension: Extension | null, kind: Kind, say: Say): number {
  const override = extension?.pax ? numberOf(extension.pax.values, 'size') : null;
  if (override !== null && override !== stated && override <= largestOctal) say('pax-size', `The header gives ${stated} bytes and its extension ${override}: readers find other members behind it`);
  const size = override ?? (Number.isNaN(stated) || stated < 0 ? 0 : stated);
  if (size === 0 || kind === 'file') return size;
  say('size-on-special', `A ${kind.replace('-', ' ')} has ${size} bytes of content: one reader skips them, another takes them for members`);
  return 0;
}

interface Sight { readonly sparse: Sparse | null; readonly before: number; readonly mapBytes: number }

function sparseOf(header: TarHeader, headerAt: number, extension: Extension | null, size: number, { source, tell, at, shown }: { readonly source: Source; readonly tell: Tell; readonly at: number; readonly shown: string }): Sight {
  let [before, mapBytes] = [0, 0];
  let sparse: Sparse | null = null;
  try {
    if (header.type === 'S') {
      const old = readOldSparse(header.block, source, headerAt + blockBytes);
      [sparse, before] = [old.sparse, old.blocks * blockBytes];
    } else if (extension?.pax) {
      const found = readPaxSparse(extension.pax, source, headerAt + blockBytes, size);
      if (found) [sparse, mapBytes] = [found.sparse, found.mapBytes];
    }
    const flaw = sparse && flawOf(sparse, size - mapBytes);
    if (flaw) throw new RangeError(`it ${flaw}`);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    tell('sparse-map', at, `The table of holes of a member is broken: ${error.message}`, shown);
    return { sparse: null, before, mapBytes };
  }
  if (sparse && sparse.realSize > holes + ratio * size) tell('sparse-size', at, `A member of ${size} bytes unpacks to ${sparse.realSize}`, shown);
  return { sparse, before, mapBytes };
}
