import { stringify } from 'yaml';
import { z } from 'zod';
import { registry } from '../assemble.ts';
import { expiredLines } from '../config/exceptions.ts';
import { loadConfig } from '../config/load.ts';
import { configSchema } from '../config/schema.ts';
import { escapeText } from '../contract/text.ts';
import { type CommonOptions, configFile, exitCode, type ExitCode, print, printJson } from './command.ts';

/** Loads it as `run` would; a fault ends with code 78 and says where. */
export async function check(options: CommonOptions): Promise<ExitCode> {
  const { file, config } = loadConfig(configFile(options.config), registry);
  const on = (names: Iterable<string>) => [...names].join(', ') || 'none';
  print(`${file}: fine`);
  print(`  collectors  ${on(config.collectors.keys())}`);
  print(`  detectors   ${on(config.detectors.keys())}`);
  print(`  forwarders  ${on(config.forwarders.keys())}`);
  const expired = expiredLines(config.exceptions, Date.now());
  if (config.exceptions.length > 0) print(`  exceptions  ${config.exceptions.length - expired.length} in force, ${expired.length} expired`);
  for (const line of expired) print(`    ${escapeText(line)}`);
  print(`  state       ${config.stateDirectory}`);
  return exitCode.ok;
}

export async function printConfig(options: CommonOptions): Promise<ExitCode> {
  const { printable } = loadConfig(configFile(options.config), registry);
  if (options.format === 'json') printJson(printable);
  else process.stdout.write(stringify(printable));
  return exitCode.ok;
}

export async function schema(): Promise<ExitCode> {
  print(JSON.stringify(z.toJSONSchema(configSchema(registry), { io: 'input', target: 'draft-2020-12' }), null, 2));
  return exitCode.ok;
}
