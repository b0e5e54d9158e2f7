import { dirname, join, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';

/** Where the trail and its key are; relative paths count from the configuration's folder. */
export function trailPlace(file: string, { stateDirectory, audit }: Pick<Config, 'stateDirectory' | 'audit'>): { readonly directory: string; readonly keyFile: string } {
  const at = (given: string | undefined, usual: string): string => given === undefined ? join(stateDirectory, usual) : resolve(dirname(file), given);
  return { directory: at(audit.directory, 'audit'), keyFile: at(audit.keyFile, 'keys/audit.key') };
}
