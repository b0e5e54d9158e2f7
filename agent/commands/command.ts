import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../contract/errors.ts';

/** What a verb ends with; the design's table of exit codes. */
export const exitCode = { ok: 0, findings: 1, incomplete: 2, usage: 64, unavailable: 69, config: 78 } as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

export interface CommonOptions { readonly config?: string; readonly format?: 'text' | 'json' }

const packaged = new URL('../../agent.config.yaml', import.meta.url).pathname;
const usual = ['agent.config.yaml', '/etc/mxwarden/agent.config.yaml'];

/** Which configuration: --config, then $MXWARDEN_CONFIG, then the usual places, then the one that comes with the agent. */
export function configFile(given: string | undefined): string {
  const named = given ?? process.env.MXWARDEN_CONFIG;
  if (named !== undefined) {
    if (named === '') throw new ConfigError('the name of the configuration is empty; give a file with --config FILE');
    return resolve(named);
  }
  return resolve(usual.find(file => existsSync(file)) ?? packaged);
}

/** Machine output: one JSON object a line. */
export const printJson = (value: unknown): void => print(JSON.stringify(value));
export const print = (line: string): void => { process.stdout.write(`${line}\n`); };
