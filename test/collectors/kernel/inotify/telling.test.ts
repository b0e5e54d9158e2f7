import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { look } from '../../../../collectors/kernel/inotify/fact.ts';
import { rawOf } from '../../../../collectors/kernel/inotify/raw-path.ts';
import { createTelling, type FileSight } from '../../../../collectors/kernel/inotify/telling.ts';

const hour = 3_600_000;

test.serial('a clock that is set back an hour does not keep what was written or removed from being told', async t => {
  t.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'mxwarden-telling-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = rawOf(join(folder, 'net-0000.params'));
  writeFileSync(path, 'a');
  const sight = await look(path) as FileSight;
  const told: string[] = [];
  const done = Promise.withResolvers<void>();
  const telling = createTelling({
    stableMs: 60, maxUnstableMs: 10_000, renameMs: 60,
    tell({ change }) { told.push(change); if (told.length === 2) done.resolve(); },
    lookAgain(paths) { for (const each of paths) telling.unchanged(each, sight); },
  });
  const wall = Date.now;
  t.teardown(() => { Date.now = wall; });
  telling.appeared(path, sight, 'created');
  telling.vanished(rawOf(join(folder, 'old-0000.params')), { ...sight.row, inode: 1n });
  Date.now = () => wall() - hour;
  await done.promise;
  t.deepEqual(told.toSorted(), ['created', 'removed']);
});
