/** Run under limits of its own: the collector on one folder, each draft as a line of JSON, until standard input ends. */
import watch from '../../../../collectors/watch.ts';

const [folder = '', config = '{}'] = process.argv.slice(2);
const print = (what: unknown): void => { process.stdout.write(`${JSON.stringify(what)}\n`); };
const running = await watch.start(watch.config.parse({ roots: [folder], stableMs: 100, ...JSON.parse(config) }), {
  emit: print, fail: error => { throw error; }, host: { proc: '/proc', sys: '/sys', tracefs: '/sys/kernel/tracing' },
  log: { debug: () => {}, info: message => print({ message }), warn: () => {}, error: () => {} },
});
process.stdin.on('end', () => void running[Symbol.asyncDispose]());
process.stdin.resume();
