/** Which machine this is. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { HostIdentity, HostPaths } from '../../../agent/contract/component.ts';
import type { ProcessRef } from '../../../agent/contract/process.ts';
import { escapeText } from '../../../agent/contract/text.ts';
import { refOf } from './describe.ts';
import { clip } from './parse.ts';
import { readLink } from './read.ts';
import { tryRead } from './status.ts';

const mostAddresses = 32;

/**
 * The machine id of the operating system whose first process is in `host.proc`, else of ours, else a random one kept
 * as `host-id` in the state directory. Throws what writing there throws: without a lasting id, receivers see a new host each run.
 */
export async function hostIdentity(host: HostPaths, stateDirectory: string): Promise<HostIdentity> {
  const kernel = firstLine(`${host.proc}/sys/kernel/osrelease`) ?? 'unknown';
  return {
    id: machineId(host) ?? keptId(stateDirectory),
    name: firstLine(`${host.proc}/sys/kernel/hostname`) ?? 'unknown',
    os: systemName(host) ?? 'Linux', kernel, addresses: addresses(),
  };
}

/** Changes with every boot (random(4)). */
export function bootId(host: HostPaths): string {
  const id = firstLine(`${host.proc}/sys/kernel/random/boot_id`);
  if (id === null || !/^[0-9a-f-]{36}$/.test(id)) throw new RangeError(`${host.proc}/sys/kernel/random/boot_id: no boot id`);
  return id;
}

/** The agent's own process, as the watched host numbers it: `self` is whoever reads it. Null when /proc does not show it. */
export function ownProcess(host: HostPaths): ProcessRef | null {
  const pid = readLink(`${host.proc}/self`);
  return pid !== null && /^\d{1,10}$/.test(pid) ? refOf(host, Number(pid)) : null;
}

/** Of the watched host where the agent may look there, else the agent's own. */
const rootsOf = (host: HostPaths): string[] => [`${host.proc}/1/root`, `${host.proc}/self/root`];

/** machine-id(5): 32 hexadecimal digits, not all zero; `uninitialized` during the first boot. */
function machineId(host: HostPaths): string | null {
  for (const file of ['etc/machine-id', 'var/lib/dbus/machine-id']) {
    for (const root of rootsOf(host)) {
      const id = validId(firstLine(`${root}/${file}`));
      if (id !== null) return id;
    }
  }
  return null;
}

function keptId(stateDirectory: string): string {
  const file = `${stateDirectory}/host-id`;
  const kept = validId(firstLine(file));
  if (kept !== null) return kept;
  const id = randomBytes(16).toString('hex');
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${id}\n`, { mode: 0o600, flush: true });
  return id;
}

const validId = (text: string | null): string | null => text !== null && /^[0-9a-f]{32}$/.test(text) && !/^0+$/.test(text) ? text : null;

/** PRETTY_NAME of os-release(5), without its quotation marks. */
function systemName(host: HostPaths): string | null {
  for (const root of rootsOf(host)) for (const file of ['etc/os-release', 'usr/lib/os-release']) {
    const name = /^PRETTY_NAME=(["']?)(.{1,200})\1$/m.exec(tryRead(`${root}/${file}`, 16_384, ({ bytes }) => bytes.toString()) ?? '')?.[2];
    if (name !== undefined) return escapeText(name);
  }
  return null;
}

function addresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? []).filter(each => !each.internal).map(each => each.address);
  return [...new Set(all)].sort().slice(0, mostAddresses);
}

function firstLine(path: string): string | null {
  const line = tryRead(path, 4_096, ({ bytes }) => bytes.toString())?.split('\n', 1)[0]?.trim();
  return line === undefined || line === '' ? null : clip(escapeText(line), 256);
}
