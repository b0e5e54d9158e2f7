import type { Format } from './format.ts';
import { json } from './json/json.ts';
import { gluontsType } from './json/type-file.ts';
import { ndarrayContainer } from './ndarray/container.ts';
import { npy } from './npy/npy.ts';
import { pickle } from './pickle/pickle.ts';
import { recordio } from './recordio.ts';
import type { OperatorPolicy } from './symbol/policy.ts';
import { symbolFormat } from './symbol/symbol.ts';

/** Every format that is read, those with a signature first. Adding one is one import and one word. */
export const formatsFor = (policy: OperatorPolicy): readonly Format[] => [ndarrayContainer, npy, recordio, symbolFormat(policy), json, gluontsType, pickle];
