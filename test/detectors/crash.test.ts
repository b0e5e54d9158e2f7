import test from 'ava';
import crash from '../../detectors/crash.ts';
import { memory, mxnetCalled, pathArgument } from '../builders.ts';

const see = crash.create({}, memory());

test('a load that ended the process is high and names the process, the call, the file and the signal', t => {
  const [finding] = see(mxnetCalled({ outcome: 'crashed', signal: 'SIGSEGV' }));
  t.like(finding, { rule: 'crash.in-load', severity: 'high', because: ['e1'] });
  t.regex(finding?.summary ?? '', /python3 \(pid 4121.*MXNDArrayLoad.*"\/srv\/models\/model-0000\.params", by SIGSEGV/);
});

test('it is high too when no signal was seen, since the wheel turns SIGSEGV into exit 255', t => {
  t.is(see(mxnetCalled({ outcome: 'crashed' }))[0]?.severity, 'high');
});

test('a process that was killed from outside in a load is low, and the summary says so', t => {
  for (const signal of ['SIGKILL', 'SIGTERM']) {
    const [finding] = see(mxnetCalled({ outcome: 'crashed', signal }));
    t.is(finding?.severity, 'low');
    t.regex(finding?.summary ?? '', new RegExp(`${signal}, which comes from outside`));
  }
});

test('a load from memory and one whose argument was not read are told too', t => {
  t.regex(see(mxnetCalled({ outcome: 'crashed', argument: { type: 'buffer', bytes: 4_096 } }))[0]?.summary ?? '', /4096 bytes from memory/);
  t.regex(see(mxnetCalled({ outcome: 'crashed', argument: { type: 'unread', why: 'fault' } }))[0]?.summary ?? '', /could not be read/);
});

test('a file name cannot end its own quotation', t => {
  const [finding] = see(mxnetCalled({ outcome: 'crashed', argument: pathArgument({ place: { path: '/m/a" by root "b' } }) }));
  t.true(finding?.summary.includes('"/m/a\\" by root \\"b"'));
});

test('a load that only failed, and one that worked, are none', t => {
  t.deepEqual(see(mxnetCalled({ outcome: 'failed' })), []);
  t.deepEqual(see(mxnetCalled()), []);
});
