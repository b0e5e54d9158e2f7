/*
 * Runs tests, or anything, in guests: `node test/guests/run.ts` for the whole plan, which ends with one line
 * "all guests: N passed, N failed, N skipped"; with `-- COMMAND`, that command in one guest.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { guestKernels } from '../services/guest-kernels.ts';
import { type Guests, prepareGuests } from './guest.ts';
import { leftOut, type PlannedBoot, planned } from './plan.ts';
import { readTap, type Tally } from './tap.ts';

const usage = `usage: node test/guests/run.ts [--kernel 6.1|6.12] [--level bpf-lsm|bpf-base] [--minutes N] [FILE…]
       node test/guests/run.ts [--kernel …] [--level …] [--minutes N] [--result NAME=PATH]… -- COMMAND

Without a command: the test FILEs, or all that the plan has, in each boot that fits.
With one: bash runs it as root in the project's folder of the first guest that fits; what it leaves as $GUEST_RESULTS/NAME
is written to PATH here, and its exit code is ours.`;

const minute = 60_000;
/** How many times as long as on the machine tests wait in a guest, where all is some twenty times slower. */
const patience = 5;

const scriptOf = ({ level, only, files }: PlannedBoot): string => `
export MXWARDEN_GUEST_LEVEL=${level} MXWARDEN_TEST_PATIENCE=${patience} MXWARDEN_TRACING_HANGS=0 NODE_COMPILE_CACHE=/tmp/compiled
${only === null ? '' : `export MXWARDEN_TEST_LEVEL=${only}`}
ava --tap --concurrency=1 --timeout=${10 * patience}m ${leftOut.map(words => `--match='!*${words}*'`).join(' ')} ${files.map(file => `'${file}'`).join(' ')}`;

async function test(guests: Guests, boot: PlannedBoot, timeoutMs: number): Promise<Tally> {
  const name = `${boot.kernel} ${boot.level}`;
  const start = performance.now();
  const say = (line: string): void => { process.stdout.write(`${name} │ ${line}\n`); };
  const tallyOf = (text: string, more: readonly string[]): Tally => {
    const tally = readTap(text);
    const failed = [...tally.failed, ...more, ...tally.passed + tally.failed.length === 0 ? ['no test ran'] : []];
    say(`${tally.passed} passed, ${failed.length} failed, ${tally.skipped.length} skipped in ${Math.round((performance.now() - start) / 1_000)} s`);
    for (const title of failed) say(`failed: ${title}`);
    return { ...tally, failed };
  };
  let output = '';
  try {
    const { status, complaints } = await guests.boot(boot.kernel, { lsm: boot.lsm, script: scriptOf(boot), timeoutMs, said(line) { output += `${line}\n`; say(line); } });
    for (const line of complaints) say(`the kernel: ${line}`);
    return tallyOf(output, status === 0 || readTap(output).failed.length > 0 ? [] : [`the tests ended with ${status}`]);
  } catch (error) { return tallyOf(output, [error instanceof Error ? error.message : String(error)]); }
}

/** The boots of one kernel one after the other, the kernels at the same time: they wait more than they work. */
async function testAll(guests: Guests, boots: readonly PlannedBoot[], timeoutMs: number): Promise<number> {
  const tallies = await Promise.all(guestKernels.map(async ({ name }) => {
    const done: Tally[] = [];
    for (const boot of boots.filter(({ kernel }) => kernel === name)) done.push(await test(guests, boot, timeoutMs));
    return done;
  }));
  const all = tallies.flat();
  const sum = (count: (tally: Tally) => number): number => all.reduce((total, each) => total + count(each), 0);
  const failed = sum(each => each.failed.length);
  process.stdout.write(`all guests: ${sum(each => each.passed)} passed, ${failed} failed, ${sum(each => each.skipped.length)} skipped\n`);
  return failed === 0 && all.length > 0 ? 0 : 1;
}

async function runCommand(guests: Guests, { kernel, lsm }: PlannedBoot, script: string, results: readonly string[], timeoutMs: number): Promise<number> {
  const done = await guests.boot(kernel, { lsm, script, timeoutMs, said(line) { process.stdout.write(`${line}\n`); } });
  for (const each of results) {
    const [name = '', path = name] = each.split('=');
    writeFileSync(path, await done.result(name));
  }
  return done.status;
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const end = words.indexOf('--');
  const command = end < 0 ? null : words.slice(end + 1).join(' ');
  const { values, positionals } = parseArgs({
    args: end < 0 ? words : words.slice(0, end), allowPositionals: true,
    options: { kernel: { type: 'string' }, level: { type: 'string' }, minutes: { type: 'string', default: '15' }, result: { type: 'string', multiple: true, default: [] }, help: { type: 'boolean', default: false } },
  });
  const boots = planned.filter(each => each.kernel === (values.kernel ?? each.kernel) && each.level === (values.level ?? each.level))
    .map(each => (positionals.length === 0 ? each : { ...each, only: null, files: positionals }));
  const [first] = boots;
  const timeoutMs = Number(values.minutes) * minute;
  if (values.help || first === undefined || !(timeoutMs > 0)) { process.stdout.write(`${usage}\n`); return values.help ? 0 : 64; }
  await using guests = await prepareGuests();
  return command === null ? await testAll(guests, boots, timeoutMs) : await runCommand(guests, first, command, values.result, timeoutMs);
}

process.exitCode = await main();
