// The import rules, and proof that they were held against every file: with a compiler it does not know,
// dependency-cruiser reads no module and passes.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const folders = ['agent', 'collectors', 'detectors', 'forwarders', 'test'];
const run = spawnSync('depcruise', ['--config', 'house-rules.mjs', '--output-type', 'json', ...folders], { encoding: 'utf8', maxBuffer: 1 << 28 });
if (run.error || !run.stdout) {
  console.error(run.error ?? run.stderr);
  process.exit(1);
}
const { modules, summary } = JSON.parse(run.stdout);
const seen = new Set(modules.map(module => module.source));
const unread = globSync(folders.map(folder => `${folder}/**/*.ts`)).filter(file => !file.includes('/fixtures/') && !seen.has(file));
for (const { rule, from, to } of summary.violations) console.error(`${rule.name}: ${from} → ${to}`);
for (const file of unread) console.error(`not read: ${file}`);
console.error(`import rules: ${seen.size} modules, ${summary.violations.length} violations, ${unread.length} files not read`);
process.exit(summary.error > 0 || unread.length > 0 ? 1 : 0);
