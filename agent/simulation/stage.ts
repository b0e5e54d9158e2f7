import { chmodSync, copyFileSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { UnavailableError } from '../contract/errors.ts';
import { harmlessProgram, type Machine, plainLibrary, standInLibrary } from './elf.ts';

/** Folders of ours alone; disposing removes them with all that is in them. */
export interface Stage extends Disposable {
  readonly folder: string;
  /** In /dev/shm; empty where there is none. */
  readonly shared: string;
  /** Below a model root of the agent; empty when none was asked for. */
  readonly models: string;
  readonly scripts: { readonly actor: string; readonly bystander: string };
  /** Stands in for libmxnet.so. */
  readonly library: string;
}

const script = new URL('actor.py', import.meta.url).pathname;
const sharedMemory = '/dev/shm';

/** `programs`: names under which the harmless program is to lie there. Throws UnavailableError where no folder would be ours alone and stay where it is. */
export function openStage(programs: readonly string[], modelRoot: string | null): Stage {
  const machine = machineOf(process.arch);
  const parent = realpathSync(tmpdir());
  const root = modelRoot === null ? null : realpathSync(modelRoot);
  requirePrivate(parent, 'name another by TMPDIR');
  if (root !== null) requirePrivate(root, 'simulate as its owner');
  const made: string[] = [];
  const make = (inside: string, name: string): string => {
    const folder = mkdtempSync(join(inside, name));
    made.push(folder);
    const { uid, mode } = lstatSync(folder);
    if (uid !== process.geteuid?.() || (mode & 0o077) !== 0) throw new UnavailableError(`${folder} was just made and is not ours alone: this file system does not keep modes`);
    return folder;
  };
  const remove = () => { for (const folder of made) rmSync(folder, { recursive: true, force: true }); };
  try {
    const folder = make(parent, 'mxwarden-simulate-');
    const shared = isFolder(sharedMemory) && exchangeable(realpathSync(sharedMemory)) === null ? make(sharedMemory, 'mxwarden-simulate-') : '';
    const models = root === null ? '' : make(root, `mxwarden-simulate-${new Date().toISOString().slice(0, 10)}-`);
    for (const name of ['bin', 'elsewhere', 'replaced']) mkdirSync(join(folder, name), { mode: 0o700 });
    for (const path of ['tool', 'bin/tool', ...programs.map(name => `bin/${name}`), ...shared === '' ? [] : [`${shared}/tool`]]) program(isAbsolute(path) ? path : join(folder, path), machine);
    for (const [path, padding] of [['libmxnet.so', 0], ['operators.so', 1], ['elsewhere/libmxnet.so', 2], ['replaced/libmxnet.so', 3], ['replaced/other.so', 400]] as const) {
      writeFileSync(join(folder, path), standInLibrary(machine, padding), { mode: 0o600 });
    }
    writeFileSync(join(folder, 'plain.so'), plainLibrary(machine), { mode: 0o600 });
    const scripts = { actor: join(folder, 'actor.py'), bystander: join(folder, 'bystander.py') };
    for (const copy of Object.values(scripts)) copyFileSync(script, copy);
    return { folder, shared, models, scripts, library: join(folder, 'libmxnet.so'), [Symbol.dispose]: remove };
  } catch (error) { remove(); throw error; }
}

function program(path: string, machine: Machine) {
  writeFileSync(path, harmlessProgram(machine));
  chmodSync(path, 0o700);
}

function machineOf(arch: string): Machine {
  if (arch === 'x64' || arch === 'arm64') return arch;
  throw new UnavailableError(`no programs to act with are known for ${arch}`);
}

/** Where one above it is another's, or open to others, they can put another in its place, and have us write and remove there. */
function requirePrivate(parent: string, advice: string) {
  const above = exchangeable(parent);
  if (above !== null) throw new UnavailableError(`the folder ${parent} is not safe: others could exchange what lies in ${above}; ${advice}`);
}

/** The first folder, from this one up, in which others may rename what is ours; null when there is none. A real path. */
function exchangeable(folder: string): string | null {
  const { uid, mode } = statSync(folder);
  const isShared = (mode & 0o022) !== 0;
  if ((isShared && (mode & 0o1000) === 0) || (uid !== 0 && uid !== process.geteuid?.())) return folder;
  return folder === '/' ? null : exchangeable(dirname(folder));
}

function isFolder(path: string): boolean {
  try { return statSync(path).isDirectory(); } catch { return false; }
}
