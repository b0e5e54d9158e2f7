import { assemble } from './assembler.ts';
import { scan, sift } from './kernel-search.ts';
import { deviate, summarise, summariseWide } from './kernel-sums.ts';
import { memoryPages } from './layout.ts';
import { fillTables } from './signatures.ts';

/*
 * The loops that see every byte of every weight, as WebAssembly SIMD: plain JavaScript takes five times as long.
 * They read and write the memory described in layout.ts, nothing else, and never more than a block a call.
 */

export interface Kernel {
  readonly memory: Uint8Array;
  readonly view: DataView;
  summarise(from: number, end: number): void;
  summariseWide(from: number, end: number): void;
  deviate(from: number, end: number): void;
  sift(from: number, end: number): void;
  scan(from: number, end: number): void;
}

interface Engine {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: Omit<Kernel, 'memory' | 'view'> & { readonly memory: { readonly buffer: ArrayBuffer } } };
}

export const assembleKernel = (): Uint8Array<ArrayBuffer> => assemble(memoryPages, [summarise(), summariseWide(), deviate(), sift(), scan()]);

let kernel: Kernel | undefined;

/** One for the thread, made when it is first needed. Its memory is used by one pass at a time. */
export function weightKernel(): Kernel {
  if (kernel) return kernel;
  // TypeScript declares this global only for browsers.
  const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly;
  const { memory: { buffer }, ...calls } = new Instance(new Module(assembleKernel())).exports;
  kernel = { memory: new Uint8Array(buffer), view: new DataView(buffer), ...calls };
  fillTables(kernel.memory, kernel.view);
  return kernel;
}
