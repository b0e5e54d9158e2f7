import type { Voice } from './voice.ts';

/** Of a text that MXNet 1.9.1 refuses as a symbol; another release or another program may not. */
export function tellPointers(all: Uint8Array, voice: Voice) {
  const bytes = Buffer.from(all.buffer, all.byteOffset, all.byteLength);
  for (const name of ['_Native', '_NDArray']) {
    const at = bytes.indexOf(`"${name}"`);
    if (at >= 0) voice.say('pointer-operator', 'critical', 0.8,
      `A symbol that MXNet 1.9.1 refuses names the operator ${name}, which calls a function at an address written as text`,
        { offset: at, length: name.length + 2 }, 'AML.T0011.000', 'AML.T0018.002', 'T1203');
  }
}
