import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openArtifacts } from '../../../agent/store/artifacts.ts';
import { openDatabase } from '../../../agent/store/database.ts';
import { openState } from '../../../agent/store/state.ts';
import { identity } from '../../builders.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const folder = async () => join(await mkdtemp(join(tmpdir(), 'state-')), 'state');
const record = { file: identity(), sha256: 'a'.repeat(64), format: 'elf', verdict: 'suspicious', observations: [], coverage: { bytes: 1, parsed: 1, skipped: [] }, inventory: {} } as const;

test('what correlation and detectors remember is there after a restart, in the order of writing', async t => {
  const at = await folder();
  {
    using database = openDatabase(at, log);
    const state = openState(database);
    database.transaction(() => {
      state.saveCorrelation(new Map([['case:x', { id: 1 }], ['tree:y', { id: 2 }]]));
      state.saveMemory('child', [['a', 1], ['b', 'two'], ['c', 3]], []);
      state.saveNote('aliveAt', 12);
    });
    database.transaction(() => {
      state.saveCorrelation(new Map([['case:x', null]]));
      state.saveMemory('child', [['a', 9]], ['c']);
    });
  }
  using database = openDatabase(at, log);
  const state = openState(database);
  t.deepEqual([...state.correlation()], [['tree:y', { id: 2 }]]);
  t.deepEqual(state.memory('child'), [['b', 'two'], ['a', 9]]);
  t.deepEqual(state.memory('other'), []);
  t.is(state.note('aliveAt'), 12);
  t.is(state.note('never'), null);
});

test('an inspection is known at once and stored by the next save', async t => {
  const at = await folder();
  {
    using database = openDatabase(at, log);
    const artifacts = openArtifacts(database);
    artifacts.set('/m/a', record);
    t.deepEqual(artifacts.get('/m/a'), record);
    const saved = database.transaction(() => artifacts.save());
    if (saved.stored) saved.value();
  }
  using database = openDatabase(at, log);
  t.deepEqual(openArtifacts(database).get('/m/a'), record);
  t.is(openArtifacts(database).get('/m/b'), null);
});

test('an inspection whose transaction was undone is not forgotten', async t => {
  using database = openDatabase(await folder(), log);
  const artifacts = openArtifacts(database);
  artifacts.set('/m/a', record);
  t.throws(() => database.transaction(() => { artifacts.save(); throw new TypeError('undone'); }));
  t.deepEqual(artifacts.get('/m/a'), record);
  const saved = database.transaction(() => artifacts.save());
  if (saved.stored) saved.value();
  t.deepEqual(openArtifacts(database).get('/m/a'), record);
});
