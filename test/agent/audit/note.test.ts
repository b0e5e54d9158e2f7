import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { parseCheckpoint, parseHead, signCheckpoint } from '../../../agent/audit/checkpoint.ts';
import { emptyRoot } from '../../../agent/audit/merkle.ts';
import { parseNote, parseVkey, signersOf, signNote, type Signer, vkeyOf } from '../../../agent/audit/note.ts';

// The examples of golang.org/x/mod/sumdb/note.
const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const seed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const text = 'If you think cryptography is the answer to your problem,\nthen you don\'t know what your problem is.\n';
const signature = '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const note = `${text}\n${signature}`;

function signer(name: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { name, publicKey: Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url'), sign: bytes => sign(null, bytes, privateKey) };
}

test('a note of the Go package is read and verified, and its key is written as Go writes it', t => {
  const key = parseVkey(vkey);
  t.is(vkeyOf(key), vkey);
  const parsed = parseNote(Buffer.from(note));
  t.is(parsed.text, text);
  t.deepEqual(signersOf(parsed, [key]), [key]);
});

test('the same text and key give the signature of the Go package', t => {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  t.is(signNote(text, [{ ...parseVkey(vkey), sign: bytes => sign(null, bytes, key) }]), note);
});

test('the example of the signed-note specification is read: the text may have empty lines', t => {
  const example = 'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n';
  const { text, signatures } = parseNote(Buffer.from(example));
  t.is(text, 'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n');
  t.like(signatures[0], { name: 'quasimodo.example/salvatore', keyId: 0x367ba04b });
});

test('the example of the checkpoint specification is read', t => {
  const example = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n';
  t.like(parseCheckpoint(Buffer.from(example)), { origin: 'example.com/behind-the-sofa', size: 20_852_163, note: example });
});

test('one changed byte anywhere, and nobody has signed it', t => {
  const keys = [parseVkey(vkey)];
  const bytes = Buffer.from(note);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    try { t.is(signersOf(parseNote(changed), keys).length, 0, `${at}`); } catch (error) { t.true(error instanceof RangeError, `${at}`); }
  }
});

test('a signature that claims a known key and does not hold spoils the one that does', t => {
  const one = signer('log.example/1');
  const sound = signNote('text\n', [one]);
  const forged = signNote('other\n', [one]).split('\n').at(-2);
  t.is(signersOf(parseNote(Buffer.from(`${sound}${forged}\n`)), [one]).length, 0);
  const stranger = signNote('text\n', [signer('log.example/1')]).split('\n').at(-2);
  t.deepEqual(signersOf(parseNote(Buffer.from(`${sound}${stranger}\n`)), [one]), [one]);
});

test('what is no vkey is refused with a reason', t => {
  for (const text of ['', 'a+b', 'PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', vkey.replace('+AR', '+BR'), `${vkey}=`, vkey.replace('Peter', 'Peter '), vkey.replace('Peter', 'Pater')]) {
    t.throws(() => parseVkey(text), { instanceOf: RangeError }, text);
  }
});

test('what is no checkpoint is refused', t => {
  const root = emptyRoot.toString('base64');
  for (const text of ['', 'o\n', `o\n01\n${root}\n`, `o\n-1\n${root}\n`, `o\n9007199254740993\n${root}\n`, `o\n1\n${root}`, `o\n1\n${root}\nextension\n`, 'o\n1\nAAAA\n', `\n1\n${root}\n`, `o\n1e3\n${root}\n`]) {
    t.throws(() => parseHead(text), { instanceOf: RangeError }, JSON.stringify(text));
  }
  const key = signer('o');
  t.like(parseCheckpoint(Buffer.from(signCheckpoint({ origin: 'o', size: 7, root: emptyRoot }, [key]).note)), { origin: 'o', size: 7 });
});

test('any bytes at all are a note or a RangeError', t => {
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: fc.constantFrom('\n', '— ', 'a', ' ', 'AAAAAAAA', '+', '\u0000', 'é') }).map(text => Buffer.from(text))), bytes => {
    try { signersOf(parseNote(bytes), [parseVkey(vkey)]); } catch (error) { if (!(error instanceof RangeError)) throw error; }
  }), { numRuns: 2_000 });
  t.throws(() => parseNote(Buffer.alloc(70_000, 'a')), { instanceOf: RangeError });
  t.pass();
});
