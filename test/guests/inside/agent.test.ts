import { join } from 'node:path';
import test from 'ava';
import { writeFileSync } from 'node:fs';
import { act } from '../../collectors/kernel/tracefs/stage.ts';
import { buildStandIn, hasCompiler } from '../../collectors/kernel/tracefs/standin.ts';
import { newest, scene, startAgent, until } from '../../e2e/rig.ts';
import { patient } from '../../services/patience.ts';
import { testWith } from '../../services/require.ts';
import { run } from '../../services/run.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());
const program = join(import.meta.dirname, '../../../agent/mxwarden');
const level = process.env.MXWARDEN_GUEST_LEVEL ?? '';

testWith.serial(['guest'], 'doctor says the level, and that every sensor works', async t => {
  await using at = await scene();
  const { stdout, stderr } = await run('sh', [program, 'doctor', '--config', at.config, '--format', 'json'], { timeoutMs: patient(60_000) });
  const report = JSON.parse(stdout || '{}') as { sensors: { name: string; works: boolean; needs: { need: string; detail: string }[] }[]; interfaces: { need: string; has: boolean; detail: string }[] };
  t.deepEqual(report.sensors.filter(({ works }) => !works), [], stderr);
  const hooks = report.interfaces.find(({ need }) => need === 'bpf-lsm');
  t.is(hooks?.has, level === 'bpf-lsm', hooks?.detail ?? '');
  const programs = report.interfaces.find(({ need }) => need === 'bpf');
  t.is(programs?.detail, `${level}: programs of ours ran and saw what they are for`);
});

testWith.serial(['guest'], 'a load whose process then runs a shell is one incident, told by the armed agent', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  await using at = await scene({ collectors: { mxnet: { libraries: [standIn.library] } } });
  const model = join(at.models, 'resnet-0000.params');
  writeFileSync(model, 'not a model');
  await using agent = await startAgent(at);
  t.regex(agent.stderr(), new RegExp(`mxnet \\(${level}\\), exec \\(${level}\\)`));
  using server = await act(standIn.program, [standIn.library, 'register', 'call', 'MXNDArrayLoad', model, 'run', 'id', 'line']);
  await server.said('did run');
  const told = async () => newest(await at.alerts()).filter(each => each.message.includes(String(server.pid)) || JSON.stringify(each).includes('/bin/sh'));
  await until(async () => (await told()).some(each => each.unmapped.mxwarden.story.join('\n').includes('/bin/sh')), patient(60_000), () => `the incident is told\n${agent.stderr()}\n${agent.stdout()}`);
  const story = (await told()).flatMap(each => each.unmapped.mxwarden.story).join('\n');
  t.regex(story, /MXNDArrayLoad/);
  t.true(story.includes('resnet-0000.params'));
  await server.next();
  agent.signal('SIGTERM');
  t.is((await agent.exited).code, 0);
});
