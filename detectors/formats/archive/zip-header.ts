import type { Source } from '../source.ts';

/**
 * The two headers of a zip member (APPNOTE.TXT 4.3.7, 4.3.12): one in front of its data, which readers of streams believe, and one
 * in the directory at the end, which all others believe.
 */
export interface Header {
  /** Of the header itself, from the start of the file. */
  readonly at: number;
  readonly needed: number;
  readonly flags: number;
  readonly method: number;
  readonly crc32: number;
  /** Bytes in the archive and unpacked, as the header has them; 0xffffffff points to the zip64 field. */
  readonly packed: number;
  readonly size: number;
  readonly name: Uint8Array;
  readonly extra: Uint8Array;
}

export interface LocalHeader extends Header { readonly dataAt: number }

export interface DirectoryEntry extends Header {
  /** Who made it: 0 DOS, 3 Unix, 19 macOS. */
  readonly host: number;
  readonly attributes: number;
  readonly disk: number;
  /** Of the local header, as written. */
  readonly localAt: number;
  readonly comment: Uint8Array;
  readonly bytes: number;
}

export const flag = { encrypted: 1, descriptor: 8, patched: 32, strong: 64, utf8: 2_048, masked: 8_192 } as const;
export const method = { stored: 0, deflated: 8 } as const;
export const all32 = 0xffff_ffff;
export const all16 = 0xffff;

export const localSignature = 0x0403_4b50;
export const entrySignature = 0x0201_4b50;
export const localBytes = 30;
export const entryBytes = 46;
const mostNameAndExtra = 2 * 65_535;

/** Null when no local header stands there, or it is cut by the end. */
export function readLocal(source: Source, at: number): LocalHeader | null {
  const usual = Uint8Array.from(source.read(at, localBytes + 512));
  if (usual.length < localBytes) return null;
  const view = new DataView(usual.buffer);
  if (view.getUint32(0, true) !== localSignature) return null;
  const [nameLength, extraLength] = [view.getUint16(26, true), view.getUint16(28, true)];
  const bytes = localBytes + nameLength + extraLength;
  const whole = bytes <= usual.length ? usual : Uint8Array.from(source.read(at, Math.min(bytes, localBytes + mostNameAndExtra)));
  if (whole.length < bytes) return null;
  return {
    at, needed: view.getUint16(4, true), flags: view.getUint16(6, true), method: view.getUint16(8, true), crc32: view.getUint32(14, true),
    packed: view.getUint32(18, true), size: view.getUint32(22, true),
    name: whole.slice(localBytes, localBytes + nameLength), extra: whole.slice(localBytes + nameLength, bytes), dataAt: at + bytes,
  };
}

/** An entry of the directory in `bytes` at `from`; null when none stands there or it does not end in them. */
export function readEntry(bytes: Uint8Array, from: number, at: number): DirectoryEntry | null {
  if (bytes.length - from < entryBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, bytes.length - from);
  if (view.getUint32(0, true) !== entrySignature) return null;
  const [nameLength, extraLength, commentLength] = [view.getUint16(28, true), view.getUint16(30, true), view.getUint16(32, true)];
  const length = entryBytes + nameLength + extraLength + commentLength;
  if (length > view.byteLength) return null;
  const [nameAt, extraAt] = [from + entryBytes, from + entryBytes + nameLength];
  return {
    at, host: view.getUint8(5), needed: view.getUint16(6, true), flags: view.getUint16(8, true), method: view.getUint16(10, true), crc32: view.getUint32(16, true),
    packed: view.getUint32(20, true), size: view.getUint32(24, true), disk: view.getUint16(34, true), attributes: view.getUint32(38, true), localAt: view.getUint32(42, true),
    name: bytes.slice(nameAt, extraAt), extra: bytes.slice(extraAt, extraAt + extraLength), comment: bytes.slice(extraAt + extraLength, from + length), bytes: length,
  };
}
