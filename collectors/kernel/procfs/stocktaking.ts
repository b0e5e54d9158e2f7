/** Has the inventory taken in a thread that may hang without harm. */
import { Worker } from 'node:worker_threads';
import type { Answer, Inventory } from './inventory.ts';

const limitMs = 60_000;

/** The programs it runs are looked for only where the system keeps them, whatever PATH the agent was started with. */
const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Rejects when it takes longer than a minute, fails, or is aborted; the thread is ended in each case. */
export async function takeInventory(signal: AbortSignal): Promise<Inventory> {
  signal.throwIfAborted();
  const worker = new Worker(new URL('./inventory.ts', import.meta.url), { env: environment, resourceLimits: { maxOldGenerationSizeMb: 64 } });
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const stop = (): void => reject(new Error('stopped'));
  const timer = setTimeout(() => reject(new Error(`not finished within ${limitMs} ms`)), limitMs);
  worker.once('message', resolve).once('error', reject).once('exit', () => reject(new Error('ended without an answer')));
  signal.addEventListener('abort', stop);
  try {
    const answer = await promise;
    if ('error' in answer) throw new Error(answer.error);
    return answer.inventory;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
