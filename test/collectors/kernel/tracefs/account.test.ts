import test from 'ava';
import { createAccount, type Listener } from '../../../../collectors/kernel/tracefs/account.ts';
import type { Call } from '../../../../collectors/kernel/tracefs/calls.ts';
import type { Entered, Exited } from '../../../../collectors/kernel/tracefs/wire.ts';
import { host } from './stage.ts';

/** Above every pid_max: no such thread exists. */
const gone = 5_000_000;

function account(): { readonly calls: Call[]; readonly told: ReturnType<typeof createAccount> } {
  const calls: Call[] = [];
  const nothing = (): void => { /* not of interest */ };
  const tell: Required<Listener> = { entering: nothing, called: call => { calls.push(call); }, executed: nothing, exited: nothing, connected: nothing, transferred: nothing };
  const told = createAccount({
    host, tell, follow: nothing, lost: nothing,
    clock: { epoch: at => at, startTicks: () => 0 },
    siteOf: probe => ({ probe, library: 0, name: 'MXNDArrayLoad', paired: true, armedAt: 0 }),
  });
  return { calls, told };
}
const entered = (tid: number): Entered => ({ kind: 'entered', at: 10, tid, pid: null, probe: 0, sp: 'a', ip: 'f', head: 'x', second: null, third: null, serial: null });
const exited = (tid: number, last: boolean | null): Exited => ({ kind: 'exited', at: 20, tid, last, status: 7 << 8 });

for (const last of [true, false, null]) {
  test(`a thread whose process nobody could ask for, and that ends in a load, is told as a crash (last of its process: ${last})`, t => {
    const { calls, told } = account();
    told.hear(entered(gone));
    told.hear(exited(gone, last));
    told.flush();
    told[Symbol.dispose]();
    t.like(calls, [{ tid: gone, pid: null, outcome: 'crashed', startedAt: 10, endedAt: 20 }]);
  });
}

test('a thread that is gone before the kernel filters for it, and before anyone could ask whose it was, is told as a crash', async t => {
  const { calls, told } = account();
  told.hear(entered(gone));
  told.flush();
  for (const end = performance.now() + 30_000; calls.length === 0 && performance.now() < end;) {
    told.reviewCalls();
    await new Promise(resolve => { setTimeout(resolve, 50); });
  }
  told[Symbol.dispose]();
  t.like(calls, [{ tid: gone, pid: null, outcome: 'crashed' }]);
});
