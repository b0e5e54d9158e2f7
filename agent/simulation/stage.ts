import { chmodSync, copyFileSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
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

/** `programs`: names under which the harmless program is to lie there. Throws UnavailableError where no folder would be ours alone. */
export function openStage(programs: readonly string[], modelRoot: string | null): Stage {
  const machine = machineOf(process.arch);
  const parent = realpathSync(tmpdir());
  requirePrivate(parent);
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
    const shared = isFolder(sharedMemory) ? make(sharedMemory, 'mxwarden-simulate-') : '';
    const models = modelRoot === null ? '' : make(modelRoot, `mxwarden-simulate-${new Date().toISOString().slice(0, 10)}-`);
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

/** Who may rename our folder may put another in its place. */
function requirePrivate(parent: string) {
  const { uid, mode } = statSync(parent);
  const isShared = (mode & 0o022) !== 0;
  if ((isShared && (mode & 0o1000) === 0) || (uid !== 0 && uid !== process.geteuid?.())) {
    throw new UnavailableError(`the temporary folder ${parent} is not safe: others could exchange what lies in it; name another by TMPDIR`);
  }
}

function isFolder(path: string): boolean {
  try { return statSync(path).isDirectory(); } catch { return false; }
}
