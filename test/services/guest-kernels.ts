import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { mustRun, run } from './run.ts';

/** A kernel of Debian, as one of its packages: exactly these bytes. */
export interface GuestKernel {
  readonly name: string;
  /** What `uname -r` says there. */
  readonly release: string;
  readonly version: string;
  readonly sha256: string;
}

/** Of bookworm: its own kernel, and the newer one that is offered beside it. */
export const guestKernels: readonly GuestKernel[] = [
  { name: '6.1', release: '6.1.0-50-cloud-amd64', version: '6.1.176-1', sha256: 'efe19f605b6f54a8352e68d85a629abb2d30b72a085faef603a9152590baa791' },
  { name: '6.12', release: '6.12.117+deb12-cloud-amd64', version: '6.12.117-1~deb12u1', sha256: '5195b288dec79e2981d6b84457f38b7ce7310a2d702930ec7d07209c7f78ce37' },
];

/** What a kernel needs to see a virtio disk, in the order of loading; what is built in is not there. */
const modules = ['virtio/virtio', 'virtio/virtio_ring', 'virtio/virtio_pci_modern_dev', 'virtio/virtio_pci_legacy_dev', 'virtio/virtio_pci', 'block/virtio_blk'];

/** Fetches the packages from Debian's archive and keeps of each `NAME/vmlinuz` and `NAME/modules/`. */
export async function installKernels(folder: string): Promise<void> {
  for (const kernel of guestKernels) {
    const [target, scratch] = [join(folder, kernel.name), join(folder, 'scratch')];
    await mkdir(join(target, 'modules'), { recursive: true });
    await mkdir(scratch);
    const root = join(scratch, 'root');
    await mustRun('dpkg-deb', ['-x', await download(kernel, scratch), root], { timeoutMs: 120_000 });
    await copyFile(join(root, `boot/vmlinuz-${kernel.release}`), join(target, 'vmlinuz'));
    for (const [index, name] of modules.entries()) {
      const file = join(root, `lib/modules/${kernel.release}/kernel/drivers/${name}.ko`);
      if (existsSync(`${file}.xz`)) await mustRun('xz', ['-d', `${file}.xz`]);
      if (existsSync(file)) await copyFile(file, join(target, `modules/${index}-${basename(file)}`));
    }
    await writeFile(join(target, 'release'), kernel.release);
    await rm(scratch, { recursive: true });
  }
}

async function download({ release, version, sha256 }: GuestKernel, folder: string): Promise<string> {
  const wanted = `linux-image-${release}=${version}`;
  const fetch = () => run('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', '-q', wanted], { cwd: folder, timeoutMs: 180_000 });
  let outcome = await fetch();
  if (outcome.code !== 0) {
    await run('apt-get', ['update', '-qq'], { timeoutMs: 120_000 });
    outcome = await fetch();
  }
  if (outcome.code !== 0) throw new Error(`${wanted} cannot be had; when the archive has replaced it, pin a newer one in test/services/guest-kernels.ts\n${outcome.stderr}`);
  const file = join(folder, `linux-image-${release}_${version}_amd64.deb`);
  const found = createHash('sha256').update(await readFile(file)).digest('hex');
  if (found !== sha256) throw new Error(`${basename(file)} has the digest ${found}, not ${sha256}`);
  return file;
}
