/* The programs as they were built, and what they must be. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

export const architectures = { x64: { file: 'sensor.x86_64.bpf.o', define: '__TARGET_ARCH_x86' }, arm64: { file: 'sensor.aarch64.bpf.o', define: '__TARGET_ARCH_arm64' } } as const;
export type Architecture = keyof typeof architectures;

export const objects = join(import.meta.dirname, 'objects');
export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
/** Name of each object and its digest, as sha256sum(1) writes them. */
export const digestsFile = join(objects, 'SHA256SUMS');
