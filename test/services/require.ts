import type { ExecutionContext } from 'ava';
import test from 'ava';
import { missing, type RealPart } from './missing.ts';
import { patient } from './patience.ts';

type Body = (t: ExecutionContext) => Promise<void> | void;

/** Real parts take seconds to start on a busy machine: more than Ava's patience with an ordinary test. */
const patienceMs = patient(120_000);

const register = (declare: typeof test | typeof test.serial) => (needs: readonly RealPart[], title: string, body: Body): void => {
  const lacks = needs.flatMap((part) => {
    const supply = missing(part);
    return supply === null ? [] : [`${part} (${supply})`];
  });
  const reason = `"${title}" needs ${lacks.join(', ')}`;
  if (lacks.length === 0) {
    declare(title, async (t) => { t.timeout(patienceMs); await body(t); });
  } else if (process.env.MXWARDEN_REQUIRE_REAL === '1' && !(needs.includes('tracefs') && process.env.MXWARDEN_TRACING_HANGS === '1')) {
    declare(title, (t) => { t.fail(reason); });
  } else {
    process.stderr.write(`skipped: ${reason}\n`);
    declare.skip(title, body);
  }
};

/**
 * `testWith(['kafka'], 'title', async (t) => …)`: a test that meets real parts. Where one is missing it is skipped,
 * and says what would supply it; under MXWARDEN_REQUIRE_REAL=1 it fails.
 */
export const testWith = Object.assign(register(test), { serial: register(test.serial) });
