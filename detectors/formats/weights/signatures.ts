import { readings, tables } from './layout.ts';

/**
 * How executable content begins. Only the first two to four bytes stand here, for the search; whether it really is
 * what it seems is decided by recognise.ts. `bucket` groups signatures whose nibbles may be mixed without many false hits.
 */
export interface Signature {
  readonly bucket: number;
  /** Up to four bytes. */
  readonly starts: string;
  /** What the search can check at once: a plausible opcode after the protocol. */
  readonly also?: 'pickle';
}

export const signatures: readonly Signature[] = [
  { bucket: 0, starts: '\x7fELF' },
  { bucket: 1, starts: 'MZ' },
  { bucket: 1, starts: 'BZh' },
  { bucket: 2, starts: 'PK\x03\x04' },
  { bucket: 3, starts: '\x1f\x8b\x08' },
  ...[2, 3, 4, 5].map((protocol): Signature => ({ bucket: 4, starts: `\x80${String.fromCharCode(protocol)}`, also: 'pickle' })),
  { bucket: 5, starts: '#!/' },
  { bucket: 5, starts: '#! ' },
  { bucket: 5, starts: '#!\t' },
  { bucket: 5, starts: '7z\xbc\xaf' },
  ...['os\n', 'pos', 'nt\n', 'sub', 'bui', '__b', 'imp', 'sys', 'pty', 'run', 'soc', 'cod', 'shu', 'mxn'].map((name): Signature => ({ bucket: 6, starts: `c${name}` })),
  { bucket: 7, starts: '\xfd7zX' },
  { bucket: 7, starts: '\xcf\xfa\xed\xfe' },
];

/** First opcodes of pickles as they are written, after PROTO: GLOBAL, empty containers, MARK, strings, FRAME, numbers. */
const firstOpcodes = 'c}])(X\x95\x8cKNUTC';

/** Whether the signature can have this byte at this place. */
export function allows({ starts, also }: Signature, place: number, byte: number): boolean {
  if (place < starts.length) return starts.charCodeAt(place) === byte;
  return also === undefined || place > starts.length || firstOpcodes.includes(String.fromCharCode(byte));
}

/** Writes the lookup tables of the kernel's searches. */
export function fillTables(memory: Uint8Array, view: DataView) {
  const add = (place: number, bucket: number) => { memory[place] = (memory[place] ?? 0) | 1 << bucket; };
  signatures.forEach((signature, index) => {
    const { bucket, starts } = signature;
    [tables.first, tables.second].forEach((table, place) => {
      const byte = starts.charCodeAt(place);
      add(table + (byte & 15), bucket);
      add(table + 16 + (byte >> 4), bucket);
    });
    for (let place = 0; place < 4; place++) {
      for (let byte = 0; byte < 256; byte++) if (allows(signature, place, byte)) add(tables.bytes + 256 * place + byte, bucket);
    }
    const at = tables.patterns + index * tables.patternBytes;
    view.setUint32(at, 2 ** (8 * starts.length) - 1, true);
    Array.from(starts).forEach((letter, place) => { memory[at + 4 + place] = letter.charCodeAt(0); });
  });
  readings.forEach(({ offsets }, index) => { memory.set(offsets, tables.readings + tables.readingBytes * index); });
  for (let byte = 0; byte <= 4; byte++) memory[tables.readingGroups + byte] = tables.readings + tables.readingBytes * readings.filter(({ offsets }) => (offsets[0] ?? 0) < byte).length;
}
