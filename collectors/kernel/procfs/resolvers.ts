/** Which name servers this host asks, as its resolver is told (resolv.conf(5)). */
import { isIP } from 'node:net';
import type { HostPaths } from '../../../agent/contract/component.ts';
import { latin1 } from './parse.ts';
import { isDenied, isGone, readRegular } from './read.ts';

const most = { bytes: 65_536, servers: 16 };
/** The second one has what stands behind systemd's own server on loopback; container engines hand it to their containers. */
const files = ['etc/resolv.conf', 'run/systemd/resolve/resolv.conf'];

/** Of the watched host where the agent may look there, else the agent's own. Null when neither can be read. */
export function resolversOf(host: HostPaths): readonly string[] | null {
  for (const root of [`${host.proc}/1/root`, `${host.proc}/self/root`]) {
    const texts = files.map(file => textAt(`${root}/${file}`));
    if (texts[0] !== null) return [...new Set(texts.flatMap(text => serversIn(text ?? '')))].slice(0, most.servers);
  }
  return null;
}

/** Addresses only: whatever else stands there is no server. A zone such as `%eth0` is left out. */
export function serversIn(text: string): string[] {
  return text.split('\n').flatMap(line => {
    const address = /^[ \t]*nameserver[ \t]+([0-9A-Fa-f.:]{2,45})(?:%[\w.-]{1,32})?[ \t]*(?:[#;].*)?\r?$/.exec(line)?.[1];
    return address !== undefined && isIP(address) !== 0 ? [address] : [];
  });
}

function textAt(path: string): string | null {
  try {
    const reading = readRegular(path, most.bytes);
    return reading === null ? null : latin1(reading.bytes, 0, reading.bytes.length);
  } catch (error) { if (isGone(error) || isDenied(error)) return null; throw error; }
}
