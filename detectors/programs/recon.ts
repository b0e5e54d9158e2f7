/*
 * Programs by which somebody learns where he is: who he runs as, what else runs, who can be reached, what may be read.
 * Each alone is ordinary, so that one is low and the third different one after a load is medium (see child).
 */

/** By tool, the ATT&CK technique that it serves. */
const tools: ReadonlyMap<string, string> = new Map([
  ...['id', 'whoami', 'groups', 'who', 'w', 'last', 'lastlog', 'users', 'logname'].map(name => [name, 'T1033'] as const),
  ...['uname', 'hostname', 'hostnamectl', 'lsblk', 'lspci', 'lsusb', 'lsmod', 'dmidecode', 'dmesg', 'sysctl', 'systemd-detect-virt', 'virt-what', 'env', 'printenv'].map(name => [name, 'T1082'] as const),
  ...['ss', 'netstat', 'lsof'].map(name => [name, 'T1049'] as const),
  ...['ifconfig', 'ip', 'route', 'arp', 'iwconfig', 'nmcli', 'resolvectl'].map(name => [name, 'T1016'] as const),
  ...['ps', 'pgrep', 'pstree', 'top', 'htop', 'pidof'].map(name => [name, 'T1057'] as const),
  ...['ping', 'traceroute', 'tracepath', 'dig', 'nslookup', 'host', 'nbtscan', 'arping'].map(name => [name, 'T1018'] as const),
  ...['nmap', 'masscan', 'zmap', 'rustscan', 'fping', 'hping3', 'arp-scan', 'netdiscover', 'unicornscan', 'naabu'].map(name => [name, 'T1046'] as const),
  ...['getent', 'getcap', 'find', 'cat', 'head', 'tail', 'less', 'more', 'grep', 'strings', 'crontab', 'mount', 'locate', 'sudo', 'tcpdump', 'linpeas.sh'].map(name => [name, 'T1083'] as const),
]);

/** Options of `find` that ask who may do what with a file. */
const permissions = /(^|\s)-(perm|writable|readable|uid|user|group|gid|nouser)(\s|$)/;
/** Names of keys and credentials. */
const keys = /\b(id_rsa|id_ed25519|id_dsa|credentials)\b|\.(ssh|aws|kube|docker|netrc|pgpass|pem|key)(\/|\*|\s|$)|\/(shadow|secrets)(\/|\s|$)/;
/** Files that tell of accounts, of the machine and of the process itself. */
const accounts = /(^|\s)(\/etc\/(passwd|group|sudoers|crontab|hosts|fstab)|\/proc\/(1|self)\/(environ|cgroup|mounts|status))(\s|$)|\.bash_history/;

/** Whether a program of these names, with this command line, looks around. Some only do so with certain arguments. */
export function looksAround(names: readonly string[], argv: readonly string[]): boolean {
  const tool = names.find(name => tools.has(name));
  if (tool === undefined) return false;
  const rest = argv.slice(1).join(' ');
  switch (tool) {
    case 'find': case 'locate': return permissions.test(rest) || keys.test(rest);
    case 'cat': case 'head': case 'tail': case 'less': case 'more': case 'grep': case 'strings': return accounts.test(rest) || keys.test(rest);
    case 'env': return rest === '' || rest === '-0';
    case 'crontab': case 'sudo': return /^(-n )?(-l|-ll|--list)$/.test(rest);
    case 'mount': return rest === '' || rest === '-l';
    case 'getent': return /^(-s \w+ )?(passwd|shadow|group|gshadow|sudoers)( \w+)?$/.test(rest);
    default: return true;
  }
}

export const techniqueOfRecon = (names: readonly string[]): string => names.map(name => tools.get(name)).find(id => id !== undefined) ?? 'T1082';

/** What only somebody in search of a way runs: scanners, and hunts for setuid files, keys and accounts. */
export const isGrave = (names: readonly string[], argv: readonly string[]): boolean =>
  techniqueOfRecon(names) === 'T1046' || names.some(name => name === 'getcap' || name === 'linpeas.sh') || names.includes('sudo') || names.includes('find')
  || keys.test(argv.join(' '));
