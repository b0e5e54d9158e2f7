import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import { openStage } from '../../../agent/simulation/stage.ts';

function folder(t: ExecutionContext): string {
  const made = realpathSync(mkdtempSync(join(tmpdir(), 'mxwarden-stage-')));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A folder of ours in one that everybody may change: they can put another in its place. */
function exchangeable(t: ExecutionContext): { readonly open: string; readonly inner: string } {
  const open = join(folder(t), 'open');
  const inner = join(open, 'ours');
  mkdirSync(inner, { recursive: true, mode: 0o700 });
  chmodSync(open, 0o777);
  return { open, inner };
}

test.serial('a temporary folder that is ours, but lies where others could exchange it, is refused, and nothing is made there', t => {
  const { open, inner } = exchangeable(t);
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = inner;
  t.teardown(() => { if (before === undefined) delete process.env['TMPDIR']; else process.env['TMPDIR'] = before; });
  const refused = t.throws(() => openStage([], null), { instanceOf: UnavailableError });
  t.true(refused?.message.includes(`${open}; name another by TMPDIR`));
  t.deepEqual(readdirSync(inner), []);
});

test.serial('so is a model root, also one to which a link leads', t => {
  const { open, inner } = exchangeable(t);
  const link = join(folder(t), 'models');
  symlinkSync(inner, link);
  for (const root of [open, inner, link]) {
    t.throws(() => openStage([], root), { instanceOf: UnavailableError, message: /simulate as its owner$/ });
    t.deepEqual(readdirSync(inner), []);
  }
});

test.serial('the folder below a model root is named as the agent names it, by its real path, and is gone at the end', t => {
  const [root, elsewhere] = [folder(t), folder(t)];
  const link = join(elsewhere, 'models');
  symlinkSync(root, link);
  {
    using stage = openStage(['curl'], link);
    t.true(stage.models.startsWith(`${root}/mxwarden-simulate-`));
    t.deepEqual(readdirSync(root).length, 1);
  }
  t.deepEqual(readdirSync(root), []);
});
