import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../services/run.ts';

export interface Identity { readonly cert: string; readonly key: string; readonly certPath: string; readonly keyPath: string }
export interface Authority { readonly ca: string; readonly caPath: string; issue(name: string, altNames: string, days?: number): Promise<Identity> }

/** A certificate authority of its own in a folder, made by openssl; keys are PKCS#8 as Kafka wants them. */
export async function authority(folder: string, name: string): Promise<Authority> {
  const path = (file: string): string => join(folder, `${name}-${file}`);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await mustRun('openssl', ['req', '-x509', ...ec, '-keyout', path('ca.key'), '-out', path('ca.pem'), '-days', '2', '-subj', `/CN=${name}`]);
  return {
    ca: await readFile(path('ca.pem'), 'utf8'), caPath: path('ca.pem'),
    async issue(subject, altNames, days = 2) {
      const file = (end: string): string => path(`${subject}.${end}`);
      await mustRun('openssl', ['req', ...ec, '-keyout', file('key'), '-out', file('csr'), '-subj', `/CN=${subject}`]);
      await writeFile(file('ext'), `subjectAltName=${altNames}\n`);
      await mustRun('openssl', ['x509', '-req', '-in', file('csr'), '-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-days', String(days), '-extfile', file('ext'), '-out', file('pem')]);
      return { cert: await readFile(file('pem'), 'utf8'), key: await readFile(file('key'), 'utf8'), certPath: file('pem'), keyPath: file('key') };
    },
  };
}
