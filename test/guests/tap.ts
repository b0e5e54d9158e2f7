/** What one run of tests came to, as it told in TAP (testanything.org, version 13). */
export interface Tally {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
}

/** Of all documents in `text`, one after the other. A plan that is missing, or that promises more than was told, is a failure of its own. */
export function readTap(text: string): Tally {
  let passed = 0;
  const [failed, skipped]: [string[], string[]] = [[], []];
  let told: number | null = null;
  const close = (plan: number | null): void => {
    if (told !== null && told !== plan) failed.push(plan === null ? `ended after ${told} tests, without a plan` : `${told} tests were told of ${plan}`);
    told = null;
  };
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('TAP version')) { close(null); told = 0; continue; }
    const plan = /^1\.\.(\d+)$/.exec(line)?.[1];
    if (plan !== undefined) { close(Number(plan)); continue; }
    const result = /^(not )?ok (?:\d+ )?(?:- )?(.*?)(?: # (SKIP|TODO)\b.*)?$/i.exec(line);
    if (result === null || told === null) continue;
    told += 1;
    const [, bad, title = '', directive] = result;
    if (directive !== undefined) skipped.push(title); else if (bad !== undefined) failed.push(title); else passed += 1;
  }
  close(null);
  return { passed, failed, skipped };
}
