import test from 'ava';
import { createClock } from '../../../agent/audit/clock.ts';

function set() {
  const hands = { wall: 1_000_000, steady: 50 };
  return { hands, clock: createClock(() => hands.wall, () => hands.steady), pass: (ms: number) => { hands.wall += ms; hands.steady += ms; } };
}

test('a clock that goes on tells no jump, nor does one that is drawn to the right time slowly', t => {
  const { clock, pass, hands } = set();
  for (let hour = 0; hour < 10_000; hour++) { pass(250); hands.wall += 0.2; t.is(clock.jump(), 0); }
});

test('a step of the clock is told once, with its direction', t => {
  const { clock, pass, hands } = set();
  pass(250);
  hands.wall += 3_600_000;
  t.is(clock.jump(), 3_600_000);
  t.is(clock.jump(), 0);
  hands.wall -= 5_000;
  pass(10_000);
  t.is(clock.jump(), -5_000);
});

test('a step forward ages nothing, a step back is taken as it is', t => {
  const { clock, pass, hands } = set();
  hands.wall += 1e12;
  pass(1_000);
  t.is(clock.now(), 1_001_000);
  hands.wall = 7;
  t.is(clock.now(), 7);
});

test('what is due comes by the time that passed, whatever the clock says', t => {
  const { clock, pass, hands } = set();
  const due = clock.every(1_000);
  hands.wall += 1e9;
  t.false(due());
  pass(999);
  t.false(due());
  pass(1);
  t.true(due());
  t.false(due());
});
