import type { Severity } from '../../agent/contract/finding.ts';

/** A place from which the system, a shell or an interpreter runs what somebody has put there. */
export interface RunsLater {
  readonly rule: string;
  /** Goes on after `wrote`. */
  readonly what: string;
  readonly severity: Severity;
  readonly techniques: readonly string[];
  /** What installers of packages put there in ordinary work is low. */
  readonly byInstallers?: true;
}

const place = (rule: string, what: string, severity: Severity, ...techniques: readonly string[]): RunsLater => ({ rule, what, severity, techniques });

const places: readonly (readonly [RegExp, RunsLater])[] = [
  [/^\/etc\/ld\.so\.(preload|conf)$|^\/etc\/ld\.so\.conf\.d\//, place('persistence.preload', 'a list of libraries that every program loads', 'critical', 'T1574.006')],
  [/^\/etc\/(crontab|anacrontab|cron\.(allow|deny))$|^\/etc\/cron\.\w+\/|^\/var\/spool\/(cron|anacron)\//, place('persistence.cron', 'a job of cron', 'high', 'T1053.003')],
  [/^\/var\/spool\/(at|cron\/atjobs|atjobs|atspool)\//, place('persistence.at', 'a job of at', 'high', 'T1053.002')],
  [/\/systemd\/(system|user)(-generators|\.control|\.attached)?\/.|\/\.config\/systemd\/user\/.|^\/etc\/systemd\/(system|user)\.conf/, place('persistence.systemd', 'a unit of systemd', 'high', 'T1543.002')],
  [/^\/etc\/(init\.d|rc[0-6S]\.d)\/.|^\/etc\/rc\.local$|^\/etc\/inittab$/, place('persistence.init-script', 'a script that runs when the system starts', 'high', 'T1037.004')],
  [/\/\.ssh\/(authorized_keys2?|rc|environment)$|^\/etc\/ssh\/(sshd_config|sshd_config\.d\/.+|sshrc)$/, place('persistence.authorized-keys', 'who may log in by SSH', 'high', 'T1098.004')],
  [/^\/etc\/(sudoers$|sudoers\.d\/.|doas\.conf$|polkit-1\/)|^\/usr\/share\/polkit-1\//, place('persistence.sudoers', 'who may become root', 'critical', 'T1548.003')],
  [/^\/etc\/(passwd|shadow|group|gshadow)$/, place('persistence.accounts', 'the accounts of this host', 'critical', 'T1136.001', 'T1098')],
  [/^\/etc\/pam\.(d\/.|conf$)|\/security\/pam_\w+\.so$|^\/etc\/security\/[^/]+\.conf$/, place('persistence.pam', 'how this host checks who logs in', 'critical', 'T1556.003')],
  [/\/\.(bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin|kshrc|cshrc|tcshrc|inputrc)$|\/fish\/(config\.fish|conf\.d\/.+)$|^\/etc\/(profile|bash\.bashrc|bashrc|zsh\/\w+|zshenv|zshrc|environment)$|^\/etc\/profile\.d\//, place('persistence.shell-start', 'what every shell runs when it starts', 'high', 'T1546.004')],
  [/^\/etc\/(update-motd\.d\/.|motd$)|^\/etc\/(issue|NetworkManager\/dispatcher\.d\/.|dhcp\/dhclient-\w+-hooks\.d\/.|network\/if-[\w-]+\.d\/.|ppp\/ip-up\.d\/.|apt\/apt\.conf\.d\/.|logrotate\.d\/.|acpi\/)/, place('persistence.event-script', 'what runs at a login, a change of the network or an upgrade', 'high', 'T1546')],
  [/\/udev\/rules\.d\/.|\/udev\/hwdb\.d\/./, place('persistence.udev', 'a rule of udev', 'high', 'T1546.017')],
  [/\/\.config\/autostart\/.|^\/etc\/xdg\/autostart\/.|\/\.(xinitrc|xprofile|xsessionrc)$/, place('persistence.autostart', 'what starts with a desktop', 'high', 'T1547.013')],
  [/^\/etc\/(modules$|modules-load\.d\/.|modprobe\.d\/.)|^\/lib\/modules\/|^\/usr\/lib\/modules\//, place('persistence.kernel-module', 'which modules the kernel loads', 'critical', 'T1547.006')],
  [/\/(site|dist)-packages\/[^/]+\.pth$|\/(site|user)customize\.py$|\/python[\d.]*\/sitecustomize\.py$/, { ...place('persistence.python-start', 'what every Python runs when it starts', 'high', 'T1546.018'), byInstallers: true }],
  [/\/\.git\/hooks\/[^/.]+$|\/\.config\/git\/hooks\//, place('persistence.git-hook', 'what git runs by itself', 'medium', 'T1546')],
  [/\/(ipython|\.ipython)\/profile_\w+\/startup\/.|\/\.jupyter\/(jupyter|custom)[^/]*/, place('persistence.notebook-start', 'what every notebook runs when it starts', 'medium', 'T1546')],
  [/^\/(usr\/)?s?bin\/|^\/usr\/local\/s?bin\//, { ...place('persistence.system-program', 'a program of the system', 'high', 'T1554'), byInstallers: true }],
];

/** Null for a path from which nothing runs by itself. */
export const runsLater = (path: string): RunsLater | null => places.find(([pattern]) => pattern.test(path))?.[1] ?? null;
