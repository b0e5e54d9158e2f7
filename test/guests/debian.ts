import { lstatSync } from 'node:fs';
import { mustRun } from '../services/run.ts';

/** Packages of the system that the tests in a guest need: its shell and tools, a compiler for the stand-in, Python, libbpf. */
const wanted = [
  'base-files', 'base-passwd', 'bash', 'binutils', 'coreutils', 'dash', 'e2fsprogs', 'findutils', 'gcc', 'grep', 'gzip', 'hostname',
  'libbpf1', 'libc-bin', 'libc6-dev', 'libcap2-bin', 'libstdc++6', 'login', 'mount', 'passwd', 'procps', 'python3', 'sed', 'tar', 'util-linux',
];
/** What is made at installation and belongs to no package. */
const made = ['/etc/alternatives', '/etc/group', '/etc/ld.so.cache', '/etc/passwd', '/etc/shadow'];
const needless = /^\/usr\/(?:share\/(?:doc|info|lintian|locale|man|perl|zoneinfo)|lib\/python3[^/]*\/(?:test|idlelib|lib2to3|pydoc_data)|include\/c\+\+)(?:\/|$)/;

/** Files of these packages and of all that they depend on, as paths from the root of the machine, folders before what is in them. */
async function filesOf(names: readonly string[]): Promise<string[]> {
  const listed = await mustRun('dpkg-query', ['-W', '-f', '${Package}\t${db:Status-Abbrev}\t${Pre-Depends}, ${Depends}\n']);
  const needs = new Map(listed.split('\n').map(line => line.split('\t')).filter(([, status]) => status?.startsWith('ii')).map(([name = '', , needed = '']) => [name, needed] as const));
  const chosen = new Set<string>();
  for (const todo = [...names]; todo.length > 0;) {
    const name = todo.pop() ?? '';
    const needed = needs.get(name);
    if (needed === undefined || chosen.has(name)) continue;
    chosen.add(name);
    for (const choice of needed.split(',')) todo.push(...choice.split('|').map(each => each.trim().replace(/[ (:].*/, '')).filter(each => needs.has(each)).slice(0, 1));
  }
  const missing = names.filter(name => !chosen.has(name));
  if (missing.length > 0) throw new Error(`a guest is made of installed packages: apt-get install ${missing.join(' ')}`);
  const owned = await mustRun('dpkg-query', ['-L', ...chosen]);
  // Packages name /bin/sh what is /usr/bin/sh where the two are one.
  const paths = owned.split('\n').filter(line => line.startsWith('/') && line !== '/.').map(path => path.replace(/^\/(bin|sbin|lib|lib64)\//, '/usr/$1/'));
  return [...new Set(paths)].filter(path => !needless.test(path) && !/^\/(?:bin|sbin|lib|lib32|lib64|libx32)$/.test(path) && isThere(path)).sort();
}

const isThere = (path: string): boolean => { try { lstatSync(path); return true; } catch { return false; } };

/** Copies the programs of this machine into an empty folder, as the root of another one. */
export async function copyDebian(folder: string): Promise<void> {
  const files = await filesOf(wanted);
  const copy = (list: readonly string[], ...options: string[]): Promise<string> => mustRun('sh', [
    '-c', 'tar -C / "$@" --null -T - -cf - | tar -C "$0" -xf -', folder, ...options], { input: list.map(path => `.${path}\0`).join(''), timeoutMs: 120_000 });
  await copy(files, '--no-recursion');
  await copy(made.filter(isThere));
  const shell = 'for each in bin sbin lib lib64; do ln -s usr/$each $each; done; mkdir -p dev proc sys root run mnt tmp var/tmp etc; chmod 1777 tmp var/tmp; ln -sf dash usr/bin/sh; ln -sf gcc usr/bin/cc; echo "127.0.0.1 localhost guest" >etc/hosts';
  await mustRun('sh', ['-c', shell], { cwd: folder });
}
