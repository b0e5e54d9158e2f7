import { join } from 'node:path';
import { installed } from '../services/cache.ts';
import { parts } from '../services/parts.ts';
import { mustRun } from '../services/run.ts';

/** What OCSF's schema has against each of them; an empty list for a valid one. */
export async function faultsOf(alerts: readonly unknown[], version = '1.8.0'): Promise<string[][]> {
  const input = alerts.map(alert => `${JSON.stringify(alert)}\n`).join('');
  const said = await mustRun(join(installed(parts.ocsf), 'bin/python'), [join(import.meta.dirname, 'ocsf-validate.py'), version], { input, timeoutMs: 110_000 });
  return said.trimEnd().split('\n').map(line => JSON.parse(line) as string[]);
}
