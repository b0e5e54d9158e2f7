/** What several collectors use at once, each as if it were its own. */
export interface Shareable extends AsyncDisposable {
  /** Resolves when what happened before is told, or soon after. */
  flush(): Promise<void>;
}
export interface Share<Running extends Shareable> extends AsyncDisposable {
  readonly running: Running;
  /** Disposed of with this share, after what happened before is told. */
  readonly joined: DisposableStack;
}

/** One running thing for each key: opened by the first and closed by the last who has a share. Opening throws what `run` throws, to each who waits for it. */
export function createSharing<Running extends Shareable>(): (key: string, run: () => Promise<Running>) => Promise<Share<Running>> {
  const shared = new Map<string, { users: number; readonly running: Promise<Running> }>();
  return async (key, run) => {
    const mine = shared.get(key) ?? { users: 0, running: run() };
    shared.set(key, mine);
    mine.users += 1;
    const joined = new DisposableStack();
    let open = true;
    const release = async (): Promise<void> => {
      if (!open) return;
      open = false;
      const running = await mine.running.catch(() => null); // whoever opened has been told
      await running?.flush();
      joined.dispose();
      mine.users -= 1;
      if (mine.users > 0) return;
      if (shared.get(key) === mine) shared.delete(key);
      await running?.[Symbol.asyncDispose]();
    };
    try { return { running: await mine.running, joined, [Symbol.asyncDispose]: release }; } catch (error) { await release(); throw error; }
  };
}
