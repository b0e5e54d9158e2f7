import { registry } from '../assemble.ts';
import { originOf } from '../audit/checkpoint.ts';
import { createKey, loadKey, nextKeyFile } from '../audit/key.ts';
import { vkeyOf } from '../audit/note.ts';
import { trailPlace } from '../audit/place.ts';
import { epochsIn } from '../audit/trail.ts';
import { hostIdentity } from '../../collectors/kernel/procfs/identity.ts';
import { loadConfig } from '../config/load.ts';
import { ConfigError, UnavailableError } from '../contract/errors.ts';
import { storeFailure } from '../store/failure.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

/** The key's public part, as an outsider needs it. 69: there is no key. */
export async function show(options: CommonOptions): Promise<ExitCode> {
  const { name, keyFile } = await place(options);
  const key = onDisk(keyFile, () => loadKey(keyFile));
  if (key === null) throw new UnavailableError(`${keyFile}: no key is there yet; the agent makes one at its first start, or mxwarden audit key create`);
  tell(options, vkeyOf(key.as(name)));
  return exitCode.ok;
}

/** Makes the key before the agent's first start. 78: there is one. */
export async function create(options: CommonOptions): Promise<ExitCode> {
  const { name, keyFile } = await place(options);
  tell(options, vkeyOf(onDisk(keyFile, () => createKey(keyFile)).as(name)));
  return exitCode.ok;
}

/** Makes the next key, which the agent takes over with its next checkpoint, or at its next start: both keys sign it. */
export async function rotate(options: CommonOptions): Promise<ExitCode> {
  const { name, keyFile } = await place(options);
  if (onDisk(keyFile, () => loadKey(keyFile)) === null) throw new UnavailableError(`${keyFile}: no key is there that could hand over`);
  tell(options, vkeyOf(onDisk(keyFile, () => createKey(nextKeyFile(keyFile))).as(name)));
  return exitCode.ok;
}

function tell(options: CommonOptions, vkey: string) {
  if (options.format === 'json') printJson({ vkey });
  else print(vkey);
}

/** Under the name of the epoch that is written, or will be first. */
async function place(options: CommonOptions): Promise<{ readonly name: string; readonly keyFile: string }> {
  const file = configFile(options.config);
  const { config } = loadConfig(file, registry);
  const { directory, keyFile } = trailPlace(file, config);
  const host = await hostIdentity(config.host, config.stateDirectory);
  return { keyFile, name: originOf(host.id, lastEpoch(directory) ?? 1) };
}

function lastEpoch(directory: string): number | undefined {
  try { return epochsIn(directory).at(-1); } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    if (error instanceof Error && 'code' in error) throw new UnavailableError(`${directory}: cannot be read (${String(error.code)})`);
    throw error;
  }
}

function onDisk<T>(path: string, work: () => T): T {
  try { return work(); } catch (error) {
    const failure = storeFailure(error, path);
    throw failure instanceof ConfigError || !(failure instanceof Error) ? failure : new UnavailableError(failure.message, { cause: error });
  }
}
