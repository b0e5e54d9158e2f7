import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import mxnet from '../../collectors/mxnet.ts';
import exec from '../../collectors/exec.ts';
import { mxnet as mxnetOf, spawnPython } from '../services/mxnet.ts';
import { testWith } from '../services/require.ts';
import { levels } from './kernel/bpf/levels.ts';
import { act, begin, host, noted, witness } from './kernel/tracefs/stage.ts';
import { buildStandIn, hasCompiler } from './kernel/tracefs/standin.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

// One after the other: they share the session of this process.
/** A test with the collector armed on the stand-in library, at each level. */
function withProbes(title: string, body: (t: ExecutionContext, seen: ReturnType<typeof witness>, at: { folder: string; library: string; program: string; followed(pid: number): Promise<void> }) => Promise<void>): void {
  for (const { level, parts, followed } of levels) {
    testWith.serial(parts, `${level}: ${title}`, async t => {
      if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
      const seen = witness();
      const running = await begin(mxnet, seen.port, { libraries: [standIn.library], level });
      try { await body(t, seen, { ...standIn, folder: mkdtempSync(join(standIn.folder, `${level}-`)), followed }); } finally { await running[Symbol.asyncDispose](); }
    });
  }
}

withProbes('a load by a relative name is told with its place, its file, its outcome and its duration', async (t, seen, { folder, library, program }) => {
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'slow.params'), 'content');
  using actor = await act(program, [library, 'cd', home, 'call', 'MXNDArrayLoad', './../home/slow.params', 'line']);
  const told = await seen.until('mxnet.called', each => each.process.pid === actor.pid);
  t.like(told, { api: 'MXNDArrayLoad', thread: actor.pid, outcome: 'ok', signal: null, argument: { type: 'path', raw: './../home/slow.params', place: { path: join(home, 'slow.params') }, file: { size: 7 } } });
  t.true(told.durationMs >= 400 && told.durationMs < 60_000);
  t.true(Math.abs(told.at - Date.now()) < 60_000);
  t.is(told.process.executable.path, program);
  await actor.next();
});

withProbes('a file:// name is resolved, a failed load is told as failed', async (t, seen, { library, program }) => {
  using actor = await act(program, [library, 'call', 'MXSymbolCreateFromFile', 'file:///nowhere/fail-symbol.json', 'line']);
  const told = await seen.until('mxnet.called', each => each.process.pid === actor.pid);
  t.like(told, { api: 'MXSymbolCreateFromFile', outcome: 'failed', argument: { raw: 'file:///nowhere/fail-symbol.json', place: { path: '/nowhere/fail-symbol.json' }, file: null } });
  await actor.next();
});

withProbes('a name with newlines, quotes and escape codes makes one event, escaped, and forges none', async (t, seen, { library, program }) => {
  const name = `x"\n   act-1 [000] ..... 1.000001: L0_left0: (0x1 <- 0x2) sp=1 ret=0\n\u001b[2J\u202efail`;
  using actor = await act(program, [library, 'call', 'MXNDArrayLoad', name, 'call', 'MXNDArrayLoad', 'last.params', 'line']);
  await seen.until('mxnet.called', each => each.argument.type === 'path' && each.argument.raw === 'last.params' && each.process.pid === actor.pid);
  const told = seen.all('mxnet.called').filter(each => each.process.pid === actor.pid);
  t.is(told.length, 2);
  const argument = told[0]?.argument;
  t.true(argument?.type === 'path' && argument.raw.includes('\\x0a') && argument.raw.includes('\\x1b') && !/[\n\u001b\u202e]/.test(argument.raw));
  await actor.next();
});

withProbes('names of 4,000 to 8,000 characters are told whole, longer ones as not read', async (t, seen, { library, program }) => {
  const lengths = [4_000, 4_060, 4_095, 4_096, 8_000, 9_000];
  using actor = await act(program, [library, ...lengths.flatMap(length => ['length', String(length)]), 'call', 'MXNDArrayLoad', '(fault)', 'line']);
  await seen.until('mxnet.called', each => each.process.pid === actor.pid && each.argument.type === 'path' && each.argument.raw === '(fault)');
  const told = seen.all('mxnet.called').filter(each => each.process.pid === actor.pid).map(each => each.argument);
  t.is(told.length, lengths.length + 1);
  for (const [index, length] of lengths.entries()) {
    const argument = told[index];
    if (argument?.type === 'path') t.is(argument.raw.length, length);
    // The caller may have gone on before its memory was read: then that is said.
    else t.true(length >= 4_060 && argument?.type === 'unread', `${length}: ${JSON.stringify(argument)}`);
  }
  t.is(told[5]?.type, 'unread');
  await actor.next();
});

withProbes('contents are told by their size, never as text', async (t, seen, { library, program }) => {
  using actor = await act(program, [library, 'buffer', '8', 'buffer', '0', 'predict', '8', 'predict', '-1', 'line']);
  await seen.until('mxnet.called', each => each.process.pid === actor.pid && each.api === 'MXPredCreate' && each.outcome === 'failed');
  const told = seen.all('mxnet.called').filter(each => each.process.pid === actor.pid);
  t.deepEqual(told.map(each => [each.api, each.outcome, each.argument]), [
    ['MXNDArrayLoadFromBuffer', 'ok', { type: 'buffer', bytes: 8 }], ['MXNDArrayLoadFromBuffer', 'failed', { type: 'buffer', bytes: 0 }],
    ['MXPredCreate', 'ok', { type: 'buffer', bytes: 8 }], ['MXPredCreate', 'failed', { type: 'buffer', bytes: null }],
  ]);
  await actor.next();
});

withProbes('a call inside a call is told first, each with its own name', async (t, seen, { library, program }) => {
  using actor = await act(program, [library, 'call', 'MXLoadLib', 'outer-fail.so', 'line']);
  await seen.until('mxnet.called', each => each.process.pid === actor.pid && each.api === 'MXLoadLib');
  const told = seen.all('mxnet.called').filter(each => each.process.pid === actor.pid);
  t.deepEqual(told.map(each => [each.api, each.argument.type === 'path' && each.argument.raw, each.outcome]), [['MXNDArrayLoad', 'nested.params', 'ok'], ['MXLoadLib', 'outer-fail.so', 'failed']]);
  await actor.next();
});

withProbes('two threads in the same function are told apart by thread, under their process', async (t, seen, { library, program }) => {
  using actor = await act(program, [library, 'threads', 'slow-one.params', 'slow-two-fail.params', 'line']);
  const named = (raw: string) => seen.until('mxnet.called', each => each.process.pid === actor.pid && each.argument.type === 'path' && each.argument.raw === raw);
  const [one, two] = await Promise.all([named('slow-one.params'), named('slow-two-fail.params')]);
  t.is(one.outcome, 'ok');
  t.is(two.outcome, 'failed');
  t.is(new Set([one.thread, two.thread, actor.pid]).size, 3);
  await actor.next();
});

for (const [word, signal] of [['segv', 'SIGSEGV'], ['abort', 'SIGABRT'], ['quit', null]] as const) {
  withProbes(`a process that ends in a load (${word}) is told as a crash with ${signal ?? 'no signal'}`, async (t, seen, { library, program, followed }) => {
    using actor = await act(program, [library, 'call', 'MXNDArrayLoad', 'before.params', 'line', 'call', 'MXNDArrayLoad', `${word}.params`]);
    // It is known and filtered for; its second call is its last.
    await seen.until('mxnet.called', each => each.process.pid === actor.pid);
    await followed(actor.pid);
    await actor.next();
    const told = await seen.until('mxnet.called', each => each.process.pid === actor.pid && each.outcome === 'crashed');
    t.like(told, { outcome: 'crashed', signal, argument: { raw: `${word}.params` } });
    t.is(told.process.executable.path, program);
  });
}

withProbes('a process killed from outside in a load is told by that signal', async (t, seen, { library, program, followed }) => {
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    using actor = await act(program, [library, 'register', 'line', 'call', 'MXNDArrayLoad', 'stuck.params']);
    await followed(actor.pid);
    await actor.next();
    await actor.said('did line');
    await new Promise(resolve => { setTimeout(resolve, 300); });
    process.kill(actor.pid, signal);
    const told = await seen.until('mxnet.called', each => each.process.pid === actor.pid);
    t.is(told.outcome, 'crashed');
    // The kernel delivers every deadly signal from outside as SIGKILL; which it was stands in the exit status, as long as nobody has taken that.
    t.true([signal, 'SIGKILL'].includes(told.signal ?? ''), String(told.signal));
  }
});

withProbes('a crash right after the very first call, before the kernel filters for the process, is told too', async (t, seen, { library, program }) => {
  using actor = await act(program, [library, 'call', 'MXNDArrayLoad', 'quit.params']);
  const told = await seen.until('mxnet.called', each => each.argument.type === 'path' && each.argument.raw === 'quit.params' && each.thread === actor.pid);
  t.is(told.outcome, 'crashed');
});

withProbes('a thread that leaves inside a load has failed, a program that becomes another has crashed', async (t, seen, { library, program, followed }) => {
  using actor = await act(program, [library, 'register', 'line', 'aside', 'leave.params', 'wait', '300', 'call', 'MXNDArrayLoad', 'become.params']);
  await followed(actor.pid);
  await actor.next();
  const named = (raw: string) => seen.until('mxnet.called', each => each.argument.type === 'path' && each.argument.raw === raw && each.process.pid === actor.pid);
  t.is((await named('leave.params')).outcome, 'failed');
  t.is((await named('become.params')).outcome, 'crashed');
});

withProbes('a copied library, one with blanks and colons in its path, and a deleted one are probed when a process maps them', async (t, seen, { folder, library, program }) => {
  const place = join(folder, 'a b:c\n#d');
  mkdirSync(place);
  const copies = [join(place, 'libmxnet.so'), join(folder, 'mxnet-scala')];
  for (const copy of copies) {
    copyFileSync(library, copy);
    using actor = await act(program, [copy, 'line', 'call', 'MXNDArrayLoad', 'first.params', 'line']);
    await actor.said('ready');
    if (copy.endsWith('scala')) unlinkSync(copy);
    await noted(seen.notes, copy.endsWith('scala') ? 'mxnet-scala' : 'a b:c');
    await actor.next();
    t.like(await seen.until('mxnet.called', each => each.process.pid === actor.pid), { outcome: 'ok', argument: { raw: 'first.params' } });
    await actor.next();
  }
});

withProbes('a second name for the same library makes no second event', async (t, seen, { folder, library, program }) => {
  const link = join(folder, 'link-libmxnet.so');
  symlinkSync(library, link);
  using actor = await act(program, [link, 'call', 'MXNDArrayLoad', 'once.params', 'wait', '1500', 'call', 'MXNDArrayLoad', 'twice.params', 'line']);
  await seen.until('mxnet.called', each => each.process.pid === actor.pid && each.argument.type === 'path' && each.argument.raw === 'twice.params');
  t.is(seen.all('mxnet.called').filter(each => each.process.pid === actor.pid).length, 2);
  await actor.next();
});

for (const { level, parts } of levels) {
  testWith.serial([...parts], `${level}: a function that cannot carry a probe is told as blind, the others are probed all the same`, async t => {
    if (!hasCompiler || process.arch !== 'x64') { t.pass(); return; }
    // A privileged instruction at the entry: the kernel refuses to step it.
    using hostile = buildStandIn(source => source.replace(/API int MXSymbolCreateFromFile.*/, '__asm__(".globl MXSymbolCreateFromFile\\n.type MXSymbolCreateFromFile,@function\\nMXSymbolCreateFromFile: hlt\\nret\\n");'));
    using actor = await act(hostile.program, [hostile.library, 'line', 'call', 'MXNDArrayLoad', 'still.params', 'line']);
    await actor.said('ready');
    const seen = witness();
    const running = await begin(mxnet, seen.port, { libraries: [hostile.library], level });
    try {
      const state = await seen.until('sensor.changed', each => each.state === 'degraded');
      t.regex(state.blind.join('; '), /refused 1 of 6 probes: MXSymbolCreateFromFile/);
      await actor.next();
      t.like(await seen.until('mxnet.called', each => each.process.pid === actor.pid), { outcome: 'ok', argument: { raw: 'still.params' } });
    } finally { await running[Symbol.asyncDispose](); }
  });
}

for (const { level, parts } of levels) {
  testWith.serial([...parts, 'mxnet'], `${level}: real MXNet: a load and a crash of its own signal handler are told`, async t => {
    const seen = witness();
    await using stack = new AsyncDisposableStack();
    stack.use(await begin(mxnet, seen.port, { libraries: [], level }));
    stack.use(await begin(exec, seen.port, { level }));
    const folder = mkdtempSync(join(tmpdir(), 'mxwarden-mxnet-'));
    stack.defer(() => rmSync(folder, { recursive: true }));
    const python = stack.use(await spawnPython(`
import mxnet as mx, ctypes
mx.nd.save('model-0000.params', {'w': mx.nd.ones((2, 2))})
print('ready'); input()
mx.nd.load('model-0000.params')
print('loaded'); input()
mx.base._LIB.MXNDArrayLoad(ctypes.c_char_p(b'model-0000.params'), None, None, None, None)`, { cwd: folder }));
    t.is(await python.read(60_000), 'ready');
    await noted(seen.notes, (await mxnetOf()).library);
    python.send('load');
    const load = await seen.until('mxnet.called', each => each.argument.type === 'path' && each.argument.place?.path === join(folder, 'model-0000.params'));
    t.like(load, { api: 'MXNDArrayLoad', outcome: 'ok', argument: { raw: 'model-0000.params' } });
    t.is(load.process.cwd, folder);
    python.send('crash');
    const crash = await seen.until('mxnet.called', each => each.outcome === 'crashed' && each.process.pid === load.process.pid);
    t.is(crash.signal, 'SIGSEGV');
    t.is((await python.exited).code, 255);
  });
}

testWith.serial(['root', 'bpf'], 'bpf: names in memory that nobody has touched yet are told whole all the same', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const seen = witness();
  const running = await begin(mxnet, seen.port, { libraries: [standIn.library], level: 'bpf' });
  try {
    // A file of two pages, each mapped by itself and not yet read: nothing of the name is in the process when the call begins.
    const file = join(standIn.folder, 'name');
    writeFileSync(file, `${'n'.repeat(5_000)}\0`.padEnd(8_192, '\0'));
    const script = `
import ctypes, os
lib, c = ctypes.CDLL('${standIn.library}'), ctypes.CDLL(None)
c.mmap.restype = ctypes.c_void_p
at = c.mmap(None, ctypes.c_size_t(8192), 1, 2, os.open('${file}', 0), ctypes.c_long(0))
lib.MXNDArrayLoad(ctypes.c_void_p(at), None, None, None, None)
lib.MXNDArrayLoad(ctypes.c_void_p(16), None, None, None, None)`;
    using actor = await act('/usr/bin/python3', ['-c', script]);
    const told = await seen.until('mxnet.called', each => each.process.pid === actor.pid && each.argument.type === 'path');
    t.is(told.argument.type === 'path' && told.argument.raw, 'n'.repeat(5_000));
    t.like(await seen.until('mxnet.called', each => each.process.pid === actor.pid && each.outcome === 'crashed'), { argument: { type: 'unread', why: 'the name could not be read from the memory of the caller' } });
  } finally { await running[Symbol.asyncDispose](); }
});

test('without tracefs it says what it cannot see, and still notices a model file that is held open', async t => {
  if (standIn === undefined) { t.pass(); return; }
  const seen = witness();
  const running = await mxnet.start(mxnet.config.parse({ pollMs: 50, mountTracefs: false, level: 'tracefs' }), { ...seen.port, host: { ...host, tracefs: '/nowhere/tracing' } });
  try {
    const changed = await seen.until('sensor.changed');
    t.like(changed, { sensor: 'mxnet', state: 'degraded', level: 'unprivileged' });
    t.regex(changed.blind.join(), /most loads/);
    const model = join(standIn.folder, 'held-0000.params');
    writeFileSync(model, 'content');
    using actor = await act('/bin/sh', ['-c', `exec 7<'${model}'; exec '${standIn.program}' '${standIn.library}' line`]);
    t.like(await seen.until('file.opened', each => each.by.pid === actor.pid), { place: { path: model }, file: { size: 7 } });
    await actor.next();
  } finally { await running[Symbol.asyncDispose](); }
});
