import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { elf } from '../../../../detectors/formats/elf/elf.ts';
import type { Source } from '../../../../detectors/formats/source.ts';
import inspection from '../../../../detectors/inspection.ts';
import type { Inspection } from '../../../../agent/contract/inspection.ts';
import { mustRun } from '../../../services/run.ts';

/** Reads a file by the parser of ELF alone. */
export const inspectFile = (path: string): Inspection => windowed(path, source => inspectSource(path, source, [elf]));

/** What the inspector says of it, its name included. */
export const inspectAmongModels = (path: string): Inspection => windowed(path, ({ size, read }) => {
  const identity = { device: '0:0', inode: '0', size, mtimeNs: '0', ctimeNs: '0' };
  return inspection.inspect({ place: { path }, file: identity, read, beside: () => null }, inspection.config.parse({}));
});

/** Through a window, as the inspector does: nothing of the file stays in memory. */
function windowed(path: string, look: (source: Source) => Inspection): Inspection {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    let view = Buffer.alloc(0);
    return look({
      size,
      read(offset, length) {
        const wanted = Math.max(0, Math.min(length, 16 * 2 ** 20, size - offset));
        if (view.length < wanted) view = Buffer.alloc(wanted);
        return view.subarray(0, readSync(descriptor, view, 0, wanted, offset));
      },
    });
  } finally { closeSync(descriptor); }
}

/** Libraries of this system that the compiler knows; those that are not installed are left out. */
export async function systemLibraries(): Promise<readonly string[]> {
  const names = ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'libresolv.so.2', 'libz.so.1', 'libgcc_s.so.1', 'libgomp.so.1', 'libstdc++.so.6', 'libcrypto.so.3', 'libssl.so.3', 'libffi.so.8', 'libsystemd.so.0', 'ld-linux-x86-64.so.2'];
  const found = await Promise.all(names.map(async name => (await mustRun('cc', [`-print-file-name=${name}`])).trim()));
  return found.filter((path, index) => path !== names[index]);
}

/** Native code in the wheels that stand beside a library of MXNet. */
export function wheelLibraries(libmxnet: string): readonly string[] {
  const packages = dirname(dirname(libmxnet));
  const all = readdirSync(packages, { recursive: true, encoding: 'utf8' }).filter(name => /^(?:mxnet|numpy|numpy\.libs|charset_normalizer)\//.test(name) && /\.so(?:\.[\d.]+)?$/.test(name));
  return all.sort().map(name => join(packages, name));
}

export const severe = ({ observations }: Inspection): readonly string[] => observations.filter(({ severity }) => severity !== 'info').map(({ severity, rule, summary }) => `${severity} ${rule}: ${summary}`);
