import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mxnet, runPython, spawnPython } from './mxnet.ts';
import { testWith } from './require.ts';

testWith(['mxnet'], 'real MXNet loads the params file it saved', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-mxnet-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const program = [
    'import mxnet as mx',
    'mx.nd.save("m-0000.params", {"arg:w": mx.nd.ones((2, 3))})',
    'print(mx.__version__, mx.nd.load("m-0000.params")["arg:w"].asnumpy().sum())',
  ].join('\n');
  const outcome = await runPython(program, { cwd: folder });
  t.is(outcome.stderr, '');
  t.is(outcome.stdout, '1.9.1 6.0\n');
  t.true((await stat((await mxnet()).library)).size > 100_000_000);
});

testWith(['mxnet'], 'a Python server answers line by line and is gone when disposed of', async (t) => {
  const python = await spawnPython('import sys\nfor line in sys.stdin: print(line.strip().upper())');
  {
    await using server = python;
    server.send('hello');
    t.is(await server.read(), 'HELLO');
    t.notThrows(() => process.kill(server.pid, 0));
  }
  t.is((await python.exited).signal, 'SIGKILL');
  t.throws(() => process.kill(python.pid, 0), { code: 'ESRCH' });
});

testWith(['mxnet'], 'a program that hangs is killed with its children, and the rest of its output is kept', async (t) => {
  const outcome = await runPython('import subprocess\nprint("here", flush=True)\nsubprocess.run(["sleep", "60"])', { timeoutMs: 1_000 });
  t.like(outcome, { stdout: 'here\n', signal: 'SIGKILL', timedOut: true });
});

testWith(['mxnet', 'root'], 'a program can run as another user', async (t) => {
  const outcome = await runPython('import os; print(os.getuid(), os.getgid())', { uid: 65_534, cwd: '/' });
  t.is(outcome.stderr, '');
  t.is(outcome.stdout, '65534 65534\n');
});
