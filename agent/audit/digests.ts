import { createHash, hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from './canonical-json.ts';

/** SHA-256, hexadecimal, over the canonical JSON of a configuration as `config print` shows it: two that differ only in a secret look alike. */
export const configDigest = (printable: unknown): string => hash('sha256', canonicalJson(asJson(printable)), 'hex');

export interface RuleSet { readonly sha256: string; readonly files: number }

const detectors = fileURLToPath(new URL('../../detectors/', import.meta.url));

/**
 * What judges: every file of the detectors, by name and content, and their settings. SHA-256, hexadecimal, over one line
 * `<sha256 of the file> <name>` for each, ordered by name, and the settings as canonical JSON.
 */
export function ruleSetDigest(settings: ReadonlyMap<string, unknown>): RuleSet {
  const names = readdirSync(detectors, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts')).sort();
  const digest = createHash('sha256');
  for (const name of names) digest.update(`${hash('sha256', readFileSync(join(detectors, name)), 'hex')} ${name}\n`);
  digest.update(canonicalJson(asJson([...settings])));
  return { sha256: digest.digest('hex'), files: names.length };
}

/** As a file would hold it: what JSON leaves out is left out. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? 'null');
