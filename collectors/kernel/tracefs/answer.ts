import { spawn } from 'node:child_process';

/** A healthy kernel answers in milliseconds; on a busy one it waits for all processors. */
const patienceMs = 5_000;
const silenceMs = 600_000;
const silentSince = new Map<string, number>();

/**
 * Whether the kernel's tracing answers at all: a child makes an instance and removes it. When the kernel has died inside
 * its tracing (an Oops under its locks, seen on 6.18), every call into tracefs waits for ever and cannot be killed; then it
 * must be the child that waits, and no thread of ours.
 */
export function tracefsAnswers(tracefs: string, withinMs = patienceMs): Promise<boolean> {
  // Each question to what hangs costs a process that waits for ever.
  if (performance.now() - (silentSince.get(tracefs) ?? Number.NEGATIVE_INFINITY) < silenceMs) return Promise.resolve(false);
  const trial = `${tracefs}/instances/mxwarden-trial-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  // Whatever it answers, a refusal too, is an answer; who needs more will be told the reason.
  const child = spawn('sh', ['-c', 'mkdir "$1" && rmdir "$1"', 'sh', trial], { detached: true, stdio: 'ignore' });
  child.unref();
  return new Promise(resolve => {
    const timer = setTimeout(() => { silentSince.set(tracefs, performance.now()); resolve(false); }, withinMs);
    const answered = () => { clearTimeout(timer); resolve(true); };
    child.once('exit', answered).once('error', answered);
  });
}
