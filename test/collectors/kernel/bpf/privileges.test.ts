import { join } from 'node:path';
import { mustRun } from '../../../services/run.ts';
import { testWith } from '../../../services/require.ts';

const alone = join(import.meta.dirname, 'alone.ts');
/** As if this were run with these words before it. */
const start = (words: readonly string[]): Promise<string> => mustRun(words[0] ?? '', [...words.slice(1), process.execPath, alone], { timeoutMs: 60_000 });
const withOnly = (...names: readonly string[]): string[] => ['setpriv', `--bounding-set=${['-all', ...names.map(name => `+${name}`)].join(',')}`, '--no-new-privs'];

testWith.serial(['root', 'bpf'], 'the capabilities that the service unit grants are enough', async t => {
  t.is(await start(withOnly('sys_admin', 'sys_ptrace', 'dac_read_search', 'dac_override', 'kill')), 'works\n');
});

testWith.serial(['root', 'bpf'], 'without capabilities it is unavailable, by the name of each program and the kernel\'s word', async t => {
  t.regex(await start(withOnly('sys_ptrace')), /^UnavailableError: forks \(not loaded, EPERM: process_forked\); executed programs/);
});

testWith.serial(['root', 'bpf'], 'where the process ids are not those of the host, what loads and attaches is still not believed', async t => {
  t.regex(await start(['unshare', '--pid', '--fork', '--mount-proc']), /^UnavailableError: .*attached, but what we did ourselves was not seen.*needs the host's process ids/);
});
