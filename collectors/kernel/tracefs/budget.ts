/** True up to `perSecond` times in any second: for looks into /proc that a flood of events would otherwise multiply. */
export function createBudget(perSecond: number): () => boolean {
  let left = perSecond;
  let since = performance.now();
  return () => {
    const now = performance.now();
    if (now - since >= 1_000) { since = now; left = perSecond; }
    left -= 1;
    return left >= 0;
  };
}
