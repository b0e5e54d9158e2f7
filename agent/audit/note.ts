import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';

/* Signed notes with Ed25519, https://c2sp.org/signed-note, and the text form of their keys, as golang.org/x/mod/sumdb/note has it. */

/** Who may have signed: a name that spells no space and no plus, and a public key of 32 bytes. */
export interface Verifier { readonly name: string; readonly publicKey: Uint8Array }
/** Who signs. `sign` gives the 64 bytes of Ed25519 over the text. */
export interface Signer extends Verifier { sign(text: Uint8Array): Uint8Array }

export interface SignatureLine { readonly name: string; readonly keyId: number; readonly signature: Uint8Array }
export interface Note {
  /** With its last newline. */
  readonly text: string;
  readonly signatures: readonly SignatureLine[];
}

const algorithm = 1;
const mostBytes = 65_536;
const mostSignatures = 64;
const signatureLine = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/;
const keyText = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** Null when it is not just what `base64` writes. */
export function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return base64(bytes) === text ? bytes : null;
}

export function keyIdOf({ name, publicKey }: Verifier): number {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(algorithm), publicKey]), 'buffer').readUInt32BE();
}

/** `name+hash+key`: what an outsider is given. */
export const vkeyOf = (key: Verifier): string => `${key.name}+${keyIdOf(key).toString(16).padStart(8, '0')}+${base64(Buffer.concat([Buffer.of(algorithm), key.publicKey]))}`;

/** Throws RangeError when it is no vkey of Ed25519. */
export function parseVkey(text: string): Verifier {
  const [, name = '', id = '', key = ''] = keyText.exec(text.trim()) ?? [];
  const bytes = fromBase64(key);
  if (bytes === null || bytes.length !== 33 || bytes[0] !== algorithm) throw new RangeError('it is no vkey of Ed25519: name+hash+key');
  const verifier = { name, publicKey: bytes.subarray(1) };
  if (keyIdOf(verifier) !== Number.parseInt(id, 16)) throw new RangeError('the hash in the vkey is not that of its name and key');
  return verifier;
}

/** The note, signed by each in turn. The text ends in a newline. */
export function signNote(text: string, signers: readonly Signer[]): string {
  const lines = signers.map(signer => {
    const id = Buffer.alloc(4);
    id.writeUInt32BE(keyIdOf(signer));
    return `— ${signer.name} ${base64(Buffer.concat([id, signer.sign(Buffer.from(text))]))}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/** Text and signatures, nothing of it verified. Throws RangeError when it is no note. */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > mostBytes) throw new RangeError(`a note of more than ${mostBytes} bytes`);
  const note = decode(bytes);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new RangeError('a note with control characters');
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) throw new RangeError('a note without signatures');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > mostSignatures) throw new RangeError(`a note with more than ${mostSignatures} signatures`);
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

function decode(bytes: Uint8Array): string {
  try { return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes); } catch { throw new RangeError('a note that is not UTF-8'); }
}

function parseSignature(line: string): SignatureLine {
  const [, name = '', text = ''] = signatureLine.exec(line) ?? [];
  const bytes = fromBase64(text);
  if (bytes === null || bytes.length < 5) throw new RangeError('a note with a line that is no signature');
  return { name, keyId: bytes.readUInt32BE(), signature: bytes.subarray(4) };
}

/**
 * Those of `known` who signed it. A signature that names one of them and does not hold spoils the whole note: then
 * nobody has signed.
 */
export function signersOf(note: Note, known: readonly Verifier[]): readonly Verifier[] {
  const signed: Verifier[] = [];
  for (const { name, keyId, signature } of note.signatures) {
    const key = known.find(each => each.name === name && keyIdOf(each) === keyId);
    if (key === undefined) continue;
    if (!verify(null, Buffer.from(note.text), publicKeyOf(key.publicKey), signature)) return [];
    if (!signed.includes(key)) signed.push(key);
  }
  return signed;
}

function publicKeyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }, format: 'jwk' });
}
