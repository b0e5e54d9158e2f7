/**
 * Which socket an inode number stands for, by the tables of the process's own network namespace (proc(5), /proc/PID/net).
 * Making these tables costs the kernel time, so they are asked only for what is a socket for sure.
 */
import type { Stream } from '../../../agent/contract/process.ts';
import { latin1 } from './parse.ts';
import { tryRead } from './status.ts';

type Found = Omit<Extract<Stream, { readonly type: 'socket' }>, 'type'>;

/** Some seven thousand sockets; who has more open hides behind them which one it is, not that it is a socket. */
const mostBytes = 1 << 20;
const internetTables = ['tcp', 'tcp6', 'udp', 'udp6'] as const;

/** `folder`: /proc/PID. */
export function findSocket(folder: string, inode: string): Found {
  let isWhole = true;
  for (const table of internetTables) {
    const found = tryRead(`${folder}/net/${table}`, mostBytes, ({ bytes, cut }) => ({ line: internetLine(bytes, inode), cut }));
    if (found?.line) return { family: 'inet', peer: peerOf(found.line) };
    if (found?.cut === true) isWhole = false;
  }
  // It may be in the rest of them.
  if (!isWhole) return { family: null, peer: null };
  const isUnix = tryRead(`${folder}/net/unix`, mostBytes, ({ bytes }) => hasUnix(bytes, inode)) === true;
  return { family: isUnix ? 'unix' : null, peer: null };
}

/** Addresses and ports in hexadecimal, the inode in the tenth field. Null when no line has it. */
export function internetLine(bytes: Buffer, inode: string): string | null {
  return lineWith(bytes, inode, fields => fields[9] === inode);
}

/** The inode in the seventh field; the last one, a name, is the process's choice. */
export const hasUnix = (bytes: Buffer, inode: string): boolean => lineWith(bytes, inode, fields => fields[6] === inode) !== null;

function lineWith(bytes: Buffer, inode: string, fits: (fields: readonly string[]) => boolean): string | null {
  const wanted = Buffer.from(` ${inode}`);
  for (let at = bytes.indexOf(wanted); at >= 0;) {
    const start = bytes.lastIndexOf(0x0a, at) + 1;
    const end = bytes.indexOf(0x0a, at);
    const line = latin1(bytes, start, end < 0 ? bytes.length : Math.min(end, start + 512));
    if (fits(line.trim().split(/ +/))) return line;
    // Each line once, however often a name in it repeats the number.
    at = end < 0 ? -1 : bytes.indexOf(wanted, end);
  }
  return null;
}

/** Null when it is connected to nobody. The words of an address are in the order of the machine, which is little endian. */
export function peerOf(line: string): Found['peer'] {
  const found = /^ *\d+: [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]+):([0-9A-F]{4}) /.exec(line);
  const [, address = '', port = '0'] = found ?? [];
  if ((address.length !== 8 && address.length !== 32) || /^0*$/.test(address)) return null;
  const words = Array.from({ length: address.length / 8 }, (_, index) => Buffer.from(address.slice(index * 8, index * 8 + 8), 'hex').reverse());
  const bytes = Buffer.concat(words);
  return { address: textOf(bytes), port: Number.parseInt(port, 16) };
}

function textOf(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  // IPv4 in an IPv6 socket is written as what it is.
  if (bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex'))) return [...bytes.subarray(12)].join('.');
  return new URL(`http://[${Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':')}]`).hostname.slice(1, -1);
}
