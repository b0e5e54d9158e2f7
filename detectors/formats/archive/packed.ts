import { defineFormat, type Format } from '../format.ts';

type Signature = (head: Uint8Array) => boolean;
const starts = (...bytes: readonly number[]): Signature => head => bytes.every((byte, index) => head[index] === byte);

/** As the formats state them: bzip2 (its manual), xz and lzip (their specifications), Zstandard (RFC 8878), LZ4 frames, ncompress, 7z, RAR. */
const signatures = [
  ['bzip2', (head: Uint8Array) => starts(0x42, 0x5a, 0x68)(head) && (starts(0x31, 0x41, 0x59, 0x26, 0x53, 0x59)(head.subarray(4)) || starts(0x17, 0x72, 0x45, 0x38, 0x50, 0x90)(head.subarray(4)))],
  ['xz', starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)],
  ['lzip', starts(0x4c, 0x5a, 0x49, 0x50, 1)],
  ['zstd', (head: Uint8Array) => starts(0x28, 0xb5, 0x2f, 0xfd)(head) || (((head[0] ?? 0) & 0xf0) === 0x50 && starts(0x2a, 0x4d, 0x18)(head.subarray(1)))],
  ['lz4', starts(0x04, 0x22, 0x4d, 0x18)],
  ['compress', (head: Uint8Array) => starts(0x1f, 0x9d)(head) && ((head[2] ?? 0) & 0x60) === 0 && ((head[2] ?? 0) & 0x1f) >= 9 && ((head[2] ?? 0) & 0x1f) <= 16],
  ['7z', starts(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c)],
  ['rar', starts(0x52, 0x61, 0x72, 0x21, 0x1a, 0x07)],
] as const satisfies readonly (readonly [name: string, fits: Signature])[];

/** Packed data that is told by its signature and not unpacked: never clean, and said so. */
export const packed: readonly Format[] = signatures.map(([name, fits]) => defineFormat({
  name,
  fits: ({ head }) => fits(head),
  inspect(source, report) {
    report.skipped({ offset: 0, length: source.size, why: `${name} is not unpacked` });
    report.note({ rule: 'archive.not-unpacked', severity: 'info', confidence: 0.9, techniques: [], message: `It is packed by ${name}, which is not unpacked here: nothing in it was examined`, where: {} });
  },
}));
