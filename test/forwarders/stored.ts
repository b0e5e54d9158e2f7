import { setTimeout as delay } from 'node:timers/promises';

/** What a broker has; one that has just started may say that it is still loading the consumers' offsets. */
export async function stored<Result>(read: () => Promise<Result>): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    try { return await read(); } catch (error) {
      if (attempt === 20 || !(error instanceof Error && 'type' in error && error.type === 'GROUP_LOAD_IN_PROGRESS')) throw error;
    }
    await delay(300);
  }
}
