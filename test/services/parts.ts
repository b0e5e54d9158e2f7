import { chmod, copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Part } from './cache.ts';
import { keyFrom, keyOf, pinsPath } from './cache.ts';
import { guestKernels, installKernels } from './guest-kernels.ts';
import { mustRun, onPath, run } from './run.ts';

const minutes = (count: number): number => count * 60_000;

function need(command: string, debianPackage: string): string {
  if (!onPath(command)) throw new Error(`${command} is missing: apt-get install ${debianPackage}`);
  return command;
}

/** The system's own Python first: one in a home folder cannot be run by the other users that some tests act as. */
async function python311(): Promise<string> {
  const probe = 'import sys, ensurepip, venv; sys.exit(sys.version_info[:2] != (3, 11))';
  for (const candidate of ['/usr/bin/python3.11', 'python3.11', 'python3']) {
    if ((await run(candidate, ['-c', probe])).code === 0) return candidate;
  }
  throw new Error('Python 3.11 with venv is missing: apt-get install python3.11 python3.11-venv');
}

const mxnet: Part = {
  name: 'mxnet',
  key: keyFrom('requirements.txt', 1),
  async install(folder) {
    await mustRun(await python311(), ['-m', 'venv', folder]);
    const python = join(folder, 'bin/python');
    await mustRun(python, ['-m', 'pip', 'install', '--quiet', '--no-input', '--no-deps', '--only-binary', ':all:', '-r', pinsPath('requirements.txt')],
      { timeoutMs: minutes(10) });
    // Fails here and not in every test when the machine lacks a library that MXNet links to.
    await mustRun(python, ['-c', 'import mxnet']).catch((error: unknown) => {
      throw new Error('MXNet does not start; on Debian it needs: apt-get install libgomp1 libquadmath0', { cause: error });
    });
  },
};

const kafka: Part = {
  name: 'kafka',
  key: keyFrom('kafka-pom.xml', 1),
  async install(folder) {
    need('java', 'openjdk-17-jdk-headless');
    const maven = ['-q', '-B', '--strict-checksums', '-f', pinsPath('kafka-pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${join(folder, 'lib')}`];
    await mustRun(need('mvn', 'maven'), maven, { timeoutMs: minutes(10) });
  },
};

/** What the builder's go.mod asks for, and what is fetched when the machine's Go is older. */
const oldestGo = [1, 26] as const;
const goToolchain = 'v0.0.1-go1.26.8';

/** Debian's Go is too old for the Collector but can fetch a newer one, checked against the checksum database, as a Go module. */
async function go126(folder: string): Promise<string> {
  const own = need('go', 'golang-go');
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(await mustRun(own, ['version'])) ?? [];
  if (Number(major) > oldestGo[0] || (Number(major) === oldestGo[0] && Number(minor) >= oldestGo[1])) return own;
  const module = `golang.org/toolchain@${goToolchain}.linux-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
  const download = await mustRun(own, ['mod', 'download', '-json', module], { cwd: folder, timeoutMs: minutes(5), env: { GOFLAGS: '' } });
  const { Dir: root } = JSON.parse(download) as { Dir: string };
  for (const tools of ['bin', 'pkg/tool']) { // a module carries no permission bits
    for (const entry of await readdir(join(root, tools), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) await chmod(join(entry.parentPath, entry.name), 0o755);
    }
  }
  return join(root, 'bin/go');
}

const collector: Part = {
  name: 'collector',
  key: keyFrom('collector-manifest.yaml', 1),
  async install(folder) {
    const build = join(folder, 'build');
    await mkdir(build);
    const go = await go126(build);
    const path = go === 'go' ? process.env.PATH : `${dirname(go)}:${process.env.PATH}`;
    // One core only, so that a machine with two stays usable and the other parts install meanwhile.
    const slowly = { GOMAXPROCS: '1', GOFLAGS: '-buildvcs=false -p=1' };
    const env = { ...slowly, GOTOOLCHAIN: 'local', GOROOT: undefined, CGO_ENABLED: '0', GOBIN: build, TMPDIR: build, PATH: path };
    await mustRun(go, ['install', 'go.opentelemetry.io/collector/cmd/builder@v0.165.0'], { cwd: build, env, timeoutMs: minutes(8) });
    // Its last step, `go mod tidy`, wants modules that only the components' own tests use and fails; what it wrote before is complete.
    await run(join(build, 'builder'), ['--skip-compilation', '--config', pinsPath('collector-manifest.yaml')], { cwd: build, env, timeoutMs: minutes(3) });
    await mustRun(go, ['build', '-mod=mod', '-trimpath', '-ldflags=-s -w', '-o', join(folder, 'otelcol'), '.'], { cwd: join(build, 'dist'), env, timeoutMs: minutes(15) });
    await rm(build, { recursive: true });
  },
};

/** The published validator: OCSF's own compiled schema of 1.8.0, from PyPI. */
const ocsf: Part = {
  name: 'ocsf',
  key: keyFrom('ocsf-requirements.txt', 1),
  async install(folder) {
    await mustRun(await python311(), ['-m', 'venv', folder]);
    await mustRun(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--no-input', '--no-deps', '--only-binary', ':all:', '-r', pinsPath('ocsf-requirements.txt')], { timeoutMs: minutes(5) });
  },
};

const ecsModule = 'github.com/elastic/ecs@v9.4.0+incompatible';

/** The published field set of the Elastic Common Schema, from its Go module: checked against the checksum database. */
const ecs: Part = {
  name: 'ecs',
  key: keyOf(ecsModule, 1),
  async install(folder) {
    const modules = join(folder, 'modules');
    const download = await mustRun(need('go', 'golang-go'), ['mod', 'download', '-json', ecsModule], { cwd: folder, timeoutMs: minutes(5), env: { GOFLAGS: '-modcacherw', GOMODCACHE: modules } });
    const { Dir: root } = JSON.parse(download) as { Dir: string };
    await copyFile(join(root, 'generated/ecs/ecs_flat.yml'), join(folder, 'ecs_flat.yml'));
    await rm(modules, { recursive: true });
  },
};

const verifierSources = ['go.mod', 'go.sum', 'main.go'].map(name => `../fixtures/audit-verifier/${name}`);

/** A verifier of the audit trail that shares no code with it: Go's signed notes and the Merkle proofs of transparency-dev. */
const verifier: Part = {
  name: 'verifier',
  key: keyFrom(verifierSources, 1),
  async install(folder) {
    const build = join(folder, 'build');
    await mkdir(join(build, 'tmp'), { recursive: true });
    for (const source of verifierSources) await copyFile(pinsPath(source), join(build, basename(source)));
    const go = await go126(build);
    const path = go === 'go' ? process.env.PATH : `${dirname(go)}:${process.env.PATH}`;
    const env = { GOMAXPROCS: '1', GOFLAGS: '-buildvcs=false -p=1', GOTOOLCHAIN: 'local', GOROOT: undefined, CGO_ENABLED: '0', TMPDIR: join(build, 'tmp'), PATH: path };
    await mustRun(go, ['build', '-mod=readonly', '-trimpath', '-ldflags=-s -w', '-o', join(folder, 'verifier'), '.'], { cwd: build, env, timeoutMs: minutes(5) });
    await rm(build, { recursive: true });
  },
};

/** Kernels of Debian, to be booted in guests. */
const guests: Part = {
  name: 'guests',
  key: keyOf(JSON.stringify(guestKernels), 1),
  async install(folder) {
    for (const [command, debianPackage] of [['apt-get', 'apt'], ['dpkg-deb', 'dpkg'], ['xz', 'xz-utils']] as const) need(command, debianPackage);
    await installKernels(folder);
  },
};

/** Everything `npm run test:setup` installs; `guests` is for `npm run test:guests` alone. */
export const parts = { mxnet, kafka, collector, ocsf, ecs, verifier, guests } as const;
