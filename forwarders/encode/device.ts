import { isIP } from 'node:net';
import type { HostIdentity } from '../../agent/contract/component.ts';
import type { Device } from './ocsf-schema.ts';
import { present } from './evidence.ts';

const isLoopback = (address: string): boolean => /^(127\.|::1$)/.test(address);

/** The machine that speaks. Its type stays unknown: nothing tells a server from a workstation for certain. */
export function deviceOf({ id, name, os, kernel, addresses }: HostIdentity): Device {
  const usable = addresses.filter(address => isIP(address) !== 0 && address.length <= 40);
  return present<Device>({
    type_id: 0, type: 'Unknown', hostname: name, uid: id, ip: usable.find(address => !isLoopback(address)) ?? usable[0],
    os: { type_id: 200, type: 'Linux', name: os, kernel_release: kernel },
  });
}
