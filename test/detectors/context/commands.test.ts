import test from 'ava';
import { commandsOf, writtenBy } from '../../../detectors/context/commands.ts';

const programs = (...argv: readonly string[]) => commandsOf(argv).map(({ program }) => program);
const files = (...argv: readonly string[]) => commandsOf(argv).flatMap(writtenBy);

test('a plain command is one, what a shell runs is as many as it parts', t => {
  t.deepEqual(programs('/usr/bin/cat', '/x;y'), ['cat']);
  t.deepEqual(programs('/bin/sh', '-c', 'cd /x && A=1 cat y|sort; sudo -n rm z & (echo $(id))'), ['cd', 'cat', 'sort', 'rm', 'echo', 'id']);
  t.deepEqual(programs('-bash', '-lc', 'one\\x0atwo'), ['one', 'two']);
  t.deepEqual(programs('busybox', 'sh', '-c', 'one'), ['one']);
});

test('a shell without a command, and no words at all, are what they are', t => {
  t.deepEqual(programs('bash', 'script.sh', '-x'), ['bash']);
  t.deepEqual(programs('sh', '-c'), []);
  t.deepEqual(programs(), []);
  t.deepEqual(programs('sh', '-c', ';;&&||'), []);
});

test('files that are written are known by redirections and by what the program does with its words', t => {
  t.deepEqual(files('sh', '-c', 'echo x >a; echo y >> b 2>&1; echo z >|c; >d; cat <e'), ['a', 'b', 'c', 'd']);
  t.deepEqual(files('tee', '-a', '/x', '/y'), ['/x', '/y']);
  t.deepEqual(files('cp', '-r', '/from', '/to'), ['/to']);
  t.deepEqual(files('dd', 'if=/a', 'of=/b'), ['/b']);
  t.deepEqual(files('sed', '-i', 's/a/b/', '/x'), ['s/a/b/', '/x']);
  t.deepEqual(files('cat', '/x'), []);
});

test('hostile lines are read in time and to their bound', t => {
  for (const sign of [';', '$(', '>', '&&', '"', ' ', '\\x0a', '>>a ', '`', '1', '1>&']) {
    const all = commandsOf(['sh', '-c', sign.repeat(200_000)]);
    t.true(all.length <= 256);
    t.true(all.flatMap(writtenBy).length <= 512);
  }
});
