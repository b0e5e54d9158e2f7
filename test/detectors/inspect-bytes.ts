import type { Inspection } from '../../agent/contract/inspection.ts';
import inspection from '../../detectors/inspection.ts';

/** What the inspector says of a file of this name and content. */
export function inspectBytes(file: string, bytes: Uint8Array, config: object = {}): Inspection {
  const identity = { device: '0:0', inode: '0', size: bytes.length, mtimeNs: '0', ctimeNs: '0' };
  const read = (offset: number, length: number) => bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + length, bytes.length));
  return inspection.inspect({ place: { path: `/models/${file}` }, file: identity, read, beside: () => null }, inspection.config.parse(config));
}
