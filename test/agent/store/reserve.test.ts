import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../../agent/store/database.ts';
import { openOutbox } from '../../../agent/store/outbox.ts';
import { testWith } from '../../services/require.ts';
import { drafts, notebook, value } from './drafts.ts';

testWith(['root'], 'an outbox that has filled the disk itself is emptied by its sink, and takes alerts again', t => {
  const disk = mkdtempSync(join(tmpdir(), 'mxwarden-full-'));
  t.is(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=0700', 'tmpfs', disk]).status, 0);
  t.teardown(() => { spawnSync('umount', ['-l', disk]); });
  using database = openDatabase(disk, notebook());
  const outbox = openOutbox(database, ['file']);
  let made = 0;
  for (let refused = 0; refused < 20; made += 100) if (!outbox.append(drafts(made, 100)).stored) refused += 1;
  const stored = outbox.lastSequence();
  t.true(stored > 100 && stored < made);
  // Nobody makes room from outside.
  let told = 0;
  for (let rounds = 0; told < stored && rounds < 1_000; rounds++) {
    const batch = outbox.next('file', 500, 1e9);
    const last = batch.at(-1)?.sequence ?? told;
    t.true(outbox.confirm('file', last).stored, `batch ${rounds} is noted as delivered`);
    if (!outbox.prune().stored) t.fail(`batch ${rounds} gives its room back`);
    told = last;
  }
  t.is(told, stored);
  while ((value(outbox.prune())) > 0);
  t.true(outbox.append(drafts(made, 10)).stored);
  t.is(outbox.lastSequence(), stored + 10);
});
