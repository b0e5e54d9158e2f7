import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { MisconfiguredError } from '../../agent/contract/errors.ts';

const pem = z.string().min(1);
/**
 * Certificates and key as PEM text, or as the path of a file that has it. The far side is always verified: there is no
 * switch against it.
 */
export const tlsConfig = z.strictObject({
  ca: pem.optional().describe('Certificate authorities to trust instead of the system\'s'),
  cert: pem.optional().describe('Own certificate, for mutual TLS'),
  key: pem.optional().meta({ description: 'Its private key', secret: true }),
}).refine(({ cert, key }) => (cert === undefined) === (key === undefined), { error: 'cert and key belong together: give both or neither' });
export type TlsConfig = z.infer<typeof tlsConfig>;

export interface TlsMaterial { readonly ca?: string; readonly cert?: string; readonly key?: string }

/** Reads what is given as a path, anew for each connection, so that a renewed certificate is used without a restart. */
export async function readTls(config: TlsConfig): Promise<TlsMaterial> {
  const entries = await Promise.all(Object.entries(config).flatMap(([name, value]) => (value === undefined ? [] : [readPem(name, value)])));
  return Object.fromEntries(entries);
}

async function readPem(name: string, given: string): Promise<[name: string, pem: string]> {
  if (given.includes('-----BEGIN')) return [name, given];
  const path = given;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new MisconfiguredError(`tls.${name}: ${path} cannot be read (${error.code ?? 'unknown reason'})`);
  });
  if (text.includes('-----BEGIN')) return [name, text];
  throw new MisconfiguredError(`tls.${name}: ${path} is not a PEM file`);
}
