import test from 'ava';
import type { Suspicion } from '../../agent/contract/finding.ts';
import type { Process } from '../../agent/contract/process.ts';
import collection from '../../detectors/collection.ts';
import { fileAccessed, fileChanged, memory, mxnetCalled, noon, pathArgument, process, processSampled } from '../builders.ts';
import { afterLoad, beforeLoad, later, told, tool, unnamed } from './deeds.ts';

const start = () => collection.create(collection.config.parse({}), memory());
const path = (index: number, end = 'params') => `/srv/store/m${index}/net-0000.${end}`;

/** Opens so many models, one each 100 ms; what was told while it did and at the sample after the grace. */
function read(see: ReturnType<typeof start>, count: number, { by = process(), from = noon + 1_000, end = 'params' } = {}): readonly Suspicion[] {
  const found = Array.from({ length: count }, (_, index) => see(fileAccessed({ id: `open${index}`, at: from + index * 100, what: 'model', place: { path: path(index, end) }, by })));
  return [...found.flat(), ...see(processSampled({ at: from + count * 100 + 20_000 }))];
}

const cat = tool('/usr/bin/tar', ['tar']);
test('many models opened after a load and neither loaded nor written are medium, high by another program of the tree', t => {
  const found = read(afterLoad(start()), 12);
  t.deepEqual(told(found), ['collection.models-read medium']);
  t.deepEqual(found[0]?.because, ['open11', 'load']);
  t.deepEqual(unnamed(found), []);
  t.deepEqual(told(read(afterLoad(start()), 40, { by: cat })), ['collection.models-read high']);
});

test('a few are nothing, nor is one that is opened again and again', t => {
  t.deepEqual(read(afterLoad(start()), 11), []);
  const see = afterLoad(start());
  for (let index = 0; index < 100; index++) see(fileAccessed({ at: noon + 1_000 + index, what: 'model', place: { path: path(0) } }));
  t.deepEqual(see(processSampled({ at: noon + 60_000 })), []);
});

test('a server of many models loads them all', t => {
  const see = afterLoad(start());
  for (let index = 0; index < 100; index++) {
    see(fileAccessed({ at: noon + 1_000 + index * 100, what: 'model', place: { path: path(index) } }));
    see(mxnetCalled({ at: noon + 1_050 + index * 100, argument: pathArgument({ place: { path: path(index) } }) }));
  }
  t.deepEqual(see(processSampled({ at: noon + 60_000 })), []);
});

test('a trainer writes them all, and reads records of data by the hundred', t => {
  const see = afterLoad(start());
  for (let index = 0; index < 100; index++) {
    see(fileAccessed({ at: noon + 1_000 + index * 100, what: 'model', place: { path: path(index) } }));
    see(fileChanged({ at: noon + 1_600 + index * 100, change: 'created', place: { path: path(index) } }));
  }
  t.deepEqual(see(processSampled({ at: noon + 60_000 })), []);
  t.deepEqual(read(afterLoad(start()), 100, { end: 'rec' }), []);
});

test('who is in no tree may read what he likes, and so may a converter that always did', t => {
  const stranger: Process = tool('/usr/bin/rsync', ['rsync'], { ancestors: [] });
  t.deepEqual(read(afterLoad(start()), 40, { by: stranger }), []);
  const see = beforeLoad(start());
  t.deepEqual(told(read(see, 12, { from: noon - 60_000 })), ['collection.models-read low']);
  see(mxnetCalled({ id: 'load' }));
  t.deepEqual(read(see, 12, { from: noon + 60_000 }), []);
});

test('over a longer time than the window, or an hour later, it is less', t => {
  const slow = afterLoad(start());
  const found = Array.from({ length: 24 }, (_, index) => slow(fileAccessed({ at: noon + index * 60_000, what: 'model', place: { path: path(index) } })));
  t.deepEqual(found.flat(), []);
  t.deepEqual(told(read(afterLoad(start()), 12, { from: later })), ['collection.models-read low']);
});
