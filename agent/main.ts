import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { parseVkey } from './audit/note.ts';
import { exitCode, type ExitCode } from './commands/command.ts';
import { ConfigError, UnavailableError } from './contract/errors.ts';
import { severities } from './contract/finding.ts';
import { escapeText } from './contract/text.ts';
import { version } from './version.ts';

/* argv → command. Each verb is imported only when it is asked for; this is the only place that ends the process. */

type Verb = (...given: never[]) => Promise<ExitCode>;
const severity = () => new Option('--severity <severity>', 'this and above').choices(severities);
const format = () => new Option('--format <format>', 'how to print').choices(['text', 'json']).default('text');

const program = new Command('mxwarden')
  .description('Watches Apache MXNet model files, who loads them, and what happens next.')
  .version(version, '-V, --version')
  .option('-c, --config <file>', 'configuration (default: $MXWARDEN_CONFIG, ./agent.config.yaml, /etc/mxwarden/agent.config.yaml)')
  .exitOverride()
  .showHelpAfterError('(see mxwarden --help)')
  .addHelpText('after', `
Exit codes: 0 nothing found · 1 findings · 2 incomplete · 64 usage · 69 a needed service or capability is missing · 78 configuration
First look:  mxwarden doctor     what this host lets the agent see
             mxwarden run        the agent, alerts on this terminal`);

verb(program, 'run', 'run the agent until SIGTERM; SIGHUP reloads the configuration', 'mxwarden run --record day.jsonl')
  .option('--record <file>', 'also write every event to this new file, for replay')
  .action(act(async () => (await import('./commands/run.ts')).run));
verb(program, 'inspect', 'read model files as MXNet would, and say what is wrong with them', 'mxwarden inspect models/ --format json | jq .verdict')
  .argument('[path...]', 'files or folders').option('--stdin', 'also the names that come on standard input, one a line').option('-0, --null', 'also those that come there with a NUL behind each, as find -print0 writes them')
  .addOption(new Option('--format <format>', 'how to print').choices(['text', 'json', 'sarif', 'cyclonedx']).default('text')).option('--recursive', 'folders with all that is below (the default)').option('--no-recursive', 'only the files of the folders named')
  .option('--policy <file>', 'a configuration whose detectors.inspection says which operators are expected')
  .option('--jobs <n>', 'files side by side (default: one a processor)', count).option('--max-bytes <n>', 'a larger file is not read', count, 68_719_476_736)
  .option('--timeout <ms>', 'for one file', count, 600_000)
  .action(act(async () => (await import('./commands/inspect.ts')).inspect));
verb(program, 'doctor', 'what this host lets the agent see, and what it misses without it', 'mxwarden doctor --format json')
  .addOption(format()).action(act(async () => (await import('./commands/doctor.ts')).doctor));
verb(program, 'status', 'how the running agent fares', 'mxwarden status --format json')
  .addOption(format()).action(act(async () => (await import('./commands/status.ts')).status));
verb(program, 'simulate', 'act out attacks without harm, and ask the running agent whether it saw them', 'mxwarden simulate all --python /srv/model-server/bin/python')
  .argument('[scenario...]', 'as --list names them; all of them when none is named').option('--list', 'what would be acted, and what is not, and why')
  .option('--python <path>', 'a Python that has MXNet (default: python3, or a stand-in for MXNet where that has none)')
  .option('--write-models', 'also those that write, in a folder of their own below a model root of the agent')
  .option('--timeout <ms>', 'how long one finding may take', count, 20_000).option('--json', 'as --format json').addOption(format())
  .action(act(async () => (await import('./commands/simulate.ts')).simulate));
verb(program, 'replay', 'recorded events through the detectors again: the same findings', 'mxwarden replay day.jsonl --format json')
  .argument('<file>', 'made by mxwarden run --record').addOption(format())
  .option('--incidents', 'print incidents as they end up, after the findings')
  .action(act(async () => (await import('./commands/replay.ts')).replay));

const incidents = program.command('incidents').description('what was found: the newest word on each incident, delivered or not');
verb(incidents, 'list', 'one line an incident, newest last', 'mxwarden incidents list --severity high --since 24h')
  .addOption(severity()).option('--since <time>', 'changed since: 30m, 24h, 7d or an ISO date', since)
  .option('--open', 'only those not closed').option('--limit <n>', 'at most the newest so many', count, 1_000).addOption(format())
  .action(act(async () => (await import('./commands/incidents.ts')).list));
verb(incidents, 'show', 'its story in order, the tree of processes, and what may be missing', 'mxwarden incidents show i-7f3a')
  .argument('<id>', 'as listed; its beginning will do').addOption(format())
  .action(act(async () => (await import('./commands/incidents.ts')).show));

const config = program.command('config').description('check, print or describe the configuration');
verb(config, 'check', 'say what is wrong with it, with line and column', 'mxwarden config check -c /etc/mxwarden/agent.config.yaml')
  .action(act(async () => (await import('./commands/config.ts')).check));
verb(config, 'print', 'the configuration in force, defaults included, secrets left out', 'mxwarden config print --format json')
  .addOption(format()).action(act(async () => (await import('./commands/config.ts')).printConfig));
verb(config, 'schema', 'its JSON Schema, for editors', 'mxwarden config schema > agent.config.schema.json')
  .action(act(async () => (await import('./commands/config.ts')).schema));

const outbox = program.command('outbox').description('alerts that are not delivered yet, and dead letters');
verb(outbox, 'list', 'one line an alert, oldest first', 'mxwarden outbox list --sink kafka --dead')
  .option('--sink <name>', 'only of this forwarder').option('--dead', 'only dead letters, with the reason')
  .addOption(severity()).option('--before <time>', 'came in before: 30m, 24h, 7d ago or an ISO date', since).addOption(format())
  .action(act(async () => (await import('./commands/outbox.ts')).list));

verb(outbox, 'show', 'one alert whole, as it waits', 'mxwarden outbox show i-7f3a.1')
  .argument('<id>', 'as listed').addOption(format())
  .action(act(async () => (await import('./commands/outbox.ts')).show));
verb(outbox, 'retry', 'send dead letters again, once what stood in their way is mended', 'mxwarden outbox retry --sink kafka --all')
  .argument('[id...]', 'as listed').option('--all', 'all that the options choose').option('--sink <name>', 'only of this forwarder')
  .addOption(severity()).option('--before <time>', 'came in before: 30m, 24h, 7d ago or an ISO date', since)
  .action(act(async () => (await import('./commands/outbox.ts')).retry));
verb(outbox, 'drop', 'give up dead letters, or what waits; told as a loss', 'mxwarden outbox drop --sink kafka --before 30d --all')
  .argument('[id...]', 'as listed').option('--all', 'all that the options choose').option('--pending', 'what still waits, in place of dead letters')
  .option('--sink <name>', 'only of this forwarder').addOption(severity()).option('--before <time>', 'came in before: 30m, 24h, 7d ago or an ISO date', since)
  .action(act(async () => (await import('./commands/outbox.ts')).drop));
const audit = program.command('audit').description('the signed record of what was loaded, inspected and reported');
trail(verb(audit, 'verify', 'read all of it, and name the record or tile that is not as it was signed', 'mxwarden audit verify --key "$VKEY"'))
  .option('--checkpoint <file>', 'also hold it against this checkpoint, kept elsewhere').addOption(format()).action(act(async () => (await import('./commands/audit.ts')).verify));
trail(verb(audit, 'prove', 'print the proof that one record is in the signed tree', 'mxwarden audit prove 1204 > 1204.tlog-proof'))
  .argument('<seq>', 'number of the record', whole).action(act(async () => (await import('./commands/audit.ts')).prove));
verb(audit, 'verify-proof', 'check such a proof, on any machine', 'mxwarden audit verify-proof 1204.tlog-proof --key "$VKEY"')
  .argument('<file>', 'made by mxwarden audit prove').option('--record <file>', 'the record, when the proof does not hold it')
  .option('--key <vkey>', 'whose signature counts; may be given again', vkeys).addOption(format())
  .action(act(async () => (await import('./commands/audit.ts')).verifyProof));
trail(verb(audit, 'consistency', 'prove that of two checkpoints the newer continues the older', 'mxwarden audit consistency monday.txt friday.txt'))
  .argument('<old>', 'a checkpoint kept elsewhere').argument('<new>', 'a later one').addOption(format())
  .action(act(async () => (await import('./commands/audit.ts')).consistency));
trail(verb(audit, 'export', 'verify all of it, then print the records of a time', 'mxwarden audit export --format csv --from 2026-11-01 --to 2026-12-01 > november.csv'))
  .addOption(new Option('--format <format>', 'how to print').choices(['csv', 'jsonl', 'html']).default('jsonl'))
  .option('--from <time>', 'ISO 8601, included', moment).option('--to <time>', 'ISO 8601, included', moment)
  .action(act(async () => (await import('./commands/audit-records.ts')).exportRecords));
trail(verb(audit, 'list', 'the newest records', 'mxwarden audit list --last 20'))
  .option('--last <n>', 'how many', count, 100).addOption(format()).action(act(async () => (await import('./commands/audit-records.ts')).list));
const auditKey = audit.command('key').description('the key that signs it');
verb(auditKey, 'show', 'its public part: note it away from this host', 'mxwarden audit key show')
  .addOption(format()).action(act(async () => (await import('./commands/audit-key.ts')).show));
verb(auditKey, 'create', 'make it before the agent does, and print its public part', 'mxwarden audit key create')
  .addOption(format()).action(act(async () => (await import('./commands/audit-key.ts')).create));
verb(auditKey, 'rotate', 'make the next one: the agent takes it over, and both sign that', 'mxwarden audit key rotate')
  .addOption(format()).action(act(async () => (await import('./commands/audit-key.ts')).rotate));

function trail(command: Command): Command {
  return command.option('--directory <folder>', 'a copy of a trail instead of this host\'s')
    .option('--key <vkey>', 'whose signature counts; may be given again', vkeys).option('--epoch <n>', 'only this one', count);
}

function verb(parent: Command, name: string, description: string, example: string): Command {
  return parent.command(name).description(description).exitOverride().addHelpText('after', `\nExample:\n  ${example}`);
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('it takes a whole number from 1 up');
  return value;
}

/** A moment, epoch milliseconds. */
function since(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ago = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
  const at = ago === undefined ? Date.parse(text) : Date.now() - Number(amount) * ago;
  if (Number.isNaN(at)) throw new InvalidArgumentError('it takes 30m, 24h, 7d or a date such as 2026-11-30');
  return at;
}

function whole(text: string): number {
  if (text === '0') return 0;
  return count(text);
}

function moment(text: string): number {
  const value = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(value)) throw new InvalidArgumentError('it takes a time like 2026-11-24 or 2026-11-24T12:00:00Z');
  return value;
}

function vkeys(text: string, before: readonly string[] = []): readonly string[] {
  try { parseVkey(text); } catch (error) {
    if (error instanceof RangeError) throw new InvalidArgumentError(error.message);
    throw error;
  }
  return [...before, text];
}

/** A verb gets its arguments, then its options merged with the program's. */
function act(load: () => Promise<Verb>) {
  return async (...given: unknown[]) => {
    const command = given.at(-1) as Command;
    const call = await load();
    process.exitCode = await call(...[...command.processedArgs, command.optsWithGlobals()] as never[]);
  };
}

process.stdout.on('error', error => {
  if ('code' in error && error.code === 'EPIPE') process.exit(exitCode.ok);
  throw error;
});

try {
  await program.parseAsync();
  // A sink or a sensor that still hangs must not keep a stopped agent alive.
  if (program.args[0] === 'run') process.exit();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  else if (error instanceof ConfigError) fail(error.message, exitCode.config);
  else if (error instanceof UnavailableError) fail(error.message, exitCode.unavailable);
  else throw error;
}

function fail(message: string, code: ExitCode) {
  for (const line of message.split('\n')) process.stderr.write(`mxwarden: ${escapeText(line)}\n`);
  process.exitCode = code;
}
