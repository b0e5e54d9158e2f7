import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, linkSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../contract/errors.ts';
import { syncDirectory } from '../store/directory.ts';
import { makeFolders, ownAsAround, writeWhole } from './files.ts';
import type { Signer } from './note.ts';

/** The private key that signs the trail, Ed25519, as PKCS#8 in PEM. */
export interface TrailKey {
  readonly publicKey: Uint8Array;
  /** It signs for every epoch of its host, under that epoch's name. */
  as(name: string): Signer;
}

const mostBytes = 4_096;
/** Where a new key waits for its agent. */
export const nextKeyFile = (keyFile: string): string => `${keyFile}.next`;

/** Null when there is none. Throws ConfigError when it is open to others or no such key, and what opening throws. */
export function loadKey(path: string): TrailKey | null {
  let descriptor: number;
  try { descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK); } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile() || facts.size > mostBytes) throw new ConfigError(`${path}: it is no key`);
    if ((facts.mode & 0o077) !== 0) throw new ConfigError(`${path}: other users may read the key that signs the audit trail: chmod 400, and consider it known (mxwarden audit key rotate)`);
    return asKey(readFileSync(descriptor), path);
  } finally { closeSync(descriptor); }
}

function asKey(pem: Buffer, path: string): TrailKey {
  let key: KeyObject;
  try { key = createPrivateKey(pem); } catch { throw new ConfigError(`${path}: it is no private key in PEM`); }
  if (key.asymmetricKeyType !== 'ed25519') throw new ConfigError(`${path}: it is a key of ${key.asymmetricKeyType}, not of Ed25519`);
  const publicKey = Buffer.from(String(createPublicKey(key).export({ format: 'jwk' }).x), 'base64url');
  return { publicKey, as: name => ({ name, publicKey, sign: text => sign(null, text, key) }) };
}

/** Makes a key where there is none, 0400 in a folder of 0700, never seen half. Throws ConfigError when there is one. */
export function createKey(path: string): TrailKey {
  makeFolders(dirname(path));
  const pem = Buffer.from(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const unfinished = `${path}.${process.pid}.tmp`;
  const descriptor = openSync(unfinished, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o400);
  try {
    writeWhole(descriptor, pem, 0);
    ownAsAround(unfinished);
    fsyncSync(descriptor);
    linkSync(unfinished, path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw new ConfigError(`${path}: there is a key already`);
    throw error;
  } finally {
    closeSync(descriptor);
    rmSync(unfinished, { force: true });
  }
  syncDirectory(dirname(path));
  return asKey(pem, path);
}
