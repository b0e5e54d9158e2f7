/**
 * What kind of machine this is, asked once an hour in a thread of its own.
 *
 * owns           systeminformation, and the programs it runs (lscpu, df, ip, hostname …), partly with execSync
 * must not own   anything that has to answer: it may wait for a name server or a dead network mount
 * hands over     one Inventory to the parent, or the reason why there is none; then it ends
 *
 * As measured (5.33): of the calls used here only mem() runs no program.
 */
import { parentPort } from 'node:worker_threads';
import information from 'systeminformation';
import { escapeText } from '../../../agent/contract/text.ts';
import { clip } from './parse.ts';

export interface Inventory {
  readonly os: { readonly name: string; readonly release: string; readonly kernel: string; readonly architecture: string };
  readonly cpu: { readonly model: string; readonly cores: number; readonly physicalCores: number };
  readonly memoryBytes: number;
  readonly interfaces: readonly { readonly name: string; readonly mac: string; readonly addresses: readonly string[] }[];
  readonly fileSystems: readonly { readonly mount: string; readonly type: string; readonly sizeBytes: number; readonly usedBytes: number }[];
}
export type Answer = { readonly inventory: Inventory } | { readonly error: string };

const most = { interfaces: 64, fileSystems: 128 };
/** Interfaces and mounts are named by whoever may make them. */
const shown = (text: string): string => clip(escapeText(String(text)), 256);

async function take(): Promise<Inventory> {
  const [os, cpu, memory, network, disks] = [
    await information.osInfo(), await information.cpu(), await information.mem(), await information.networkInterfaces(), await information.fsSize(),
  ];
  const interfaces = Array.isArray(network) ? network : [network];
  return {
    os: { name: shown(os.distro), release: shown(os.release), kernel: shown(os.kernel), architecture: shown(os.arch) },
    cpu: { model: shown(`${cpu.manufacturer} ${cpu.brand}`), cores: cpu.cores, physicalCores: cpu.physicalCores },
    memoryBytes: memory.total,
    interfaces: interfaces.slice(0, most.interfaces).map(each => ({ name: shown(each.iface), mac: shown(each.mac), addresses: [each.ip4, each.ip6].filter(Boolean).map(shown) })),
    fileSystems: disks.slice(0, most.fileSystems).map(each => ({ mount: shown(each.mount), type: shown(each.type), sizeBytes: each.size, usedBytes: each.used })),
  };
}

if (parentPort !== null) {
  const answer: Answer = await take().then(inventory => ({ inventory }), error => ({ error: error instanceof Error ? error.message : String(error) }));
  parentPort.postMessage(answer);
}
