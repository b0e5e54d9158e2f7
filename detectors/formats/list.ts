import { gzip } from './archive/gzip.ts';
import { packed } from './archive/packed.ts';
import { tar } from './archive/tar.ts';
import { npz, zip } from './archive/zip.ts';
import { elf } from './elf/elf.ts';
import type { Format } from './format.ts';
import { json } from './json/json.ts';
import { gluontsType } from './json/type-file.ts';
import { native } from './native/native.ts';
import { ndarrayContainer } from './ndarray/container.ts';
import { npy } from './npy/npy.ts';
import { pickle } from './pickle/pickle.ts';
import { bytecode } from './python/bytecode.ts';
import { pathFile } from './python/path-file.ts';
import { python } from './python/python.ts';
import { recordio } from './recordio.ts';
import type { OperatorPolicy } from './symbol/policy.ts';
import { symbolFormat } from './symbol/symbol.ts';
import { notebook } from './text/notebook.ts';
import { textBeside } from './text/plain.ts';
import { requirements } from './text/requirements.ts';
import { script } from './text/script.ts';

/** Every format that is read, those with a signature first. Adding one is one import and one word. */
export function formatsFor(policy: OperatorPolicy): readonly Format[] {
  const known = [
    ndarrayContainer, npy, zip, npz, gzip, ...packed, tar, elf, native, recordio, symbolFormat(policy), notebook, json, gluontsType, pickle,
    bytecode, python, pathFile, requirements, script,
  ];
  return [...known, textBeside(known)];
}
