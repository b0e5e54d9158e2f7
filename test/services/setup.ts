import { performance } from 'node:perf_hooks';
import { ensure } from './cache.ts';
import { parts } from './parts.ts';

/** node test/services/setup.ts [mxnet|kafka|collector|all]: installs the real programs the tests meet, once. `all`: all but the kernels of guests. */
const known = Object.keys(parts) as (keyof typeof parts)[];
const asked = process.argv[2] ?? 'all';
const chosen = known.filter((name) => asked === name || (asked === 'all' && name !== 'guests'));

if (chosen.length === 0) {
  process.stderr.write(`usage: node test/services/setup.ts [${known.join('|')}|all]\n`);
  process.exitCode = 64;
}

await Promise.all(chosen.map(async (name) => {
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  try {
    process.stdout.write(`${name}: ${await ensure(parts[name])} (${seconds()})\n`);
  } catch (error) {
    process.stdout.write(`${name}: failed (${seconds()})\n`);
    for (let reason = error; reason instanceof Error; reason = reason.cause) process.stderr.write(`${reason.message}\n`);
    process.exitCode = 1;
  }
}));
