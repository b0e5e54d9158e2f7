import { calls, named, type Scenario } from '../scenario.ts';

const canary = 'mxwarden-simulate';

/** A command that would write there, were it what it is called. */
const writing = (what: string, path: string, ...techniques: readonly string[]): Scenario => named(`persistence-${what}`, `persistence.${what}`, 'tee', [path], ...techniques);
const reading = (what: string, path: string, ...techniques: readonly string[]): Scenario => named(`secret-${what}`, `secret.${what}`, 'tar', ['cz', path], ...techniques);
const leaving = (what: string, words: readonly [string, ...string[]], ...techniques: readonly string[]): Scenario => named(`escape-${what}`, `escape.${what}`, words[0], words.slice(1), ...techniques, 'AML.T0105');

/** Command lines that name a place. The program that is run so does not look at its words. */
export const pathScenarios: readonly Scenario[] = [
  writing('preload', `/etc/ld.so.conf.d/${canary}`, 'T1574.006'),
  writing('cron', `/etc/cron.d/${canary}`, 'T1053.003'),
  writing('at', `/var/spool/at/${canary}`, 'T1053.002'),
  writing('systemd', `/etc/systemd/system/${canary}.service`, 'T1543.002'),
  writing('init-script', `/etc/init.d/${canary}`, 'T1037.004'),
  writing('authorized-keys', `/home/${canary}/.ssh/authorized_keys`, 'T1098.004'),
  writing('sudoers', `/etc/sudoers.d/${canary}`, 'T1548.003'),
  writing('accounts', '/etc/passwd', 'T1098', 'T1136.001'),
  writing('pam', `/etc/pam.d/${canary}`, 'T1556.003'),
  writing('shell-start', `/home/${canary}/.bashrc`, 'T1546.004'),
  writing('event-script', `/etc/update-motd.d/99-${canary}`, 'T1546'),
  writing('udev', `/etc/udev/rules.d/99-${canary}.rules`, 'T1546.017'),
  writing('autostart', `/home/${canary}/.config/autostart/x.desktop`, 'T1547.013'),
  writing('kernel-module', `/etc/modules-load.d/${canary}.conf`, 'T1547.006'),
  writing('python-start', `/opt/${canary}/site-packages/${canary}.pth`, 'T1546.018'),
  writing('git-hook', `/srv/${canary}/.git/hooks/post-checkout`, 'T1546'),
  writing('notebook-start', `/home/${canary}/.ipython/profile_default/startup/0.py`, 'T1546'),
  writing('system-program', `/usr/local/bin/${canary}`, 'T1554'),
  {
    name: 'secret-opened', rule: 'secret.password-hashes', techniques: ['T1003.008', 'AML.T0090'], needsRoot: true, seenBy: [calls, { collector: 'secrets', level: 'fanotify' }],
    does: 'opens /etc/shadow and closes it, without reading',
    steps: [{ actor: `
if not os.path.exists('/etc/shadow'):
    raise Cannot('this host has no /etc/shadow')
os.close(os.open('/etc/shadow', os.O_RDONLY))` }],
  },
  reading('password-hashes', '/etc/shadow', 'T1003.008', 'AML.T0090'),
  reading('ssh-key', `/home/${canary}/.ssh/id_ed25519`, 'T1552.004', 'AML.T0055'),
  reading('private-key', '/etc/kubernetes/pki/ca.key', 'T1552.004', 'AML.T0055'),
  reading('server-key', `/etc/ssl/private/${canary}.key`, 'T1552.004', 'AML.T0055'),
  reading('cloud-credentials', `/home/${canary}/.aws/credentials`, 'T1552.001', 'AML.T0055'),
  reading('cluster-credentials', `/home/${canary}/.kube/config`, 'T1552.001', 'AML.T0055'),
  reading('service-account-token', '/var/run/secrets/kubernetes.io/serviceaccount/token', 'T1528', 'AML.T0055'),
  reading('mounted', `/run/secrets/${canary}`, 'T1552.001', 'AML.T0055'),
  reading('tool-token', `/home/${canary}/.netrc`, 'T1552.001', 'AML.T0055'),
  reading('shell-history', `/home/${canary}/.bash_history`, 'T1552.003', 'AML.T0055'),
  reading('browser', `/home/${canary}/.mozilla/logins.json`, 'T1555.003', 'AML.T0055'),
  reading('password-store', `/home/${canary}/keys.kdbx`, 'T1555', 'AML.T0055'),
  reading('wallet', `/home/${canary}/wallet.dat`, 'T1555', 'AML.T0055'),
  reading('kerberos', '/etc/krb5.keytab', 'T1558', 'AML.T0055'),
  reading('environment', '/proc/1/environ', 'T1552', 'AML.T0055'),
  leaving('container-socket', ['curl', '--unix-socket', '/var/run/docker.sock', 'http://x/containers/json'], 'T1609', 'T1611'),
  leaving('cgroup', ['tee', `/sys/fs/cgroup/${canary}/release_agent`], 'T1611'),
  leaving('kernel-helper', ['tee', '/proc/sys/kernel/core_pattern'], 'T1611'),
  leaving('kernel-setting', ['tee', '/proc/sys/kernel/yama/ptrace_scope'], 'T1562.001', 'T1611'),
  leaving('machine-memory', ['dd', 'if=/dev/mem', 'count=1'], 'T1005', 'T1611'),
  leaving('block-device', ['dd', 'if=/dev/sda', 'count=1'], 'T1005', 'T1611'),
  leaving('host-root', ['tar', 'cz', '/proc/1/root/etc/hostname'], 'T1611'),
];
