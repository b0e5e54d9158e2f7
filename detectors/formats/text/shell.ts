import type { Severity } from '../../../agent/contract/finding.ts';

/** A shape of shell command. Lines of scripts, commands of programs, cells of notebooks. */
export interface ShellRemark { readonly what: 'download-run' | 'reverse-shell' | 'decode-run' | 'start-place' | 'destroy'; readonly severity: Severity; readonly message: string; readonly techniques: readonly string[] }

const interpreter = String.raw`(?:env\s+)?(?:\S{0,60}/)?(?:(?:ba|da|z|k|a|fi)?sh|python[\d.]*|perl|ruby|node|php)\b`;
const loader = String.raw`(?:curl|wget|fetch|aria2c|lwp-download|http)\b`;
const shapes: readonly (readonly [RegExp, ShellRemark])[] = [
  [new RegExp(String.raw`${loader}[^|;&\n]{0,500}\|\s*(?:sudo\s+)?(?:\w+\s*\|\s*){0,3}${interpreter}`), { what: 'download-run', severity: 'high', message: 'downloads something and runs it', techniques: ['T1105', 'T1059.004'] }],
  [new RegExp(String.raw`(?:${interpreter}|eval|source|\.)\s[^;&\n]{0,60}(?:\$\(|<\(|${'`'})\s*${loader}`), { what: 'download-run', severity: 'high', message: 'downloads something and runs it', techniques: ['T1105', 'T1059.004'] }],
  [/\/dev\/(?:tcp|udp)\/|\b(?:nc|ncat|netcat)\b[^\n|]{0,100}\s(?:-\w*[ec]\w*|--exec|--sh-exec)\s|\bsocat\b[^\n]{0,200}\bexec:|\bmkfifo\b[^\n]{0,200}\b(?:nc|ncat|netcat|openssl|telnet)\b/i, { what: 'reverse-shell', severity: 'critical', message: 'opens a shell to the network', techniques: ['AML.T0072', 'T1059.004', 'T1071'] }],
  [new RegExp(String.raw`(?:base64\s+(?:-\w*d|-D|--decode)|xxd\s+-r|openssl\s+enc|gunzip|zcat)[^|;&\n]{0,200}\|\s*(?:\w+\s*\|\s*){0,3}${interpreter}`), { what: 'decode-run', severity: 'high', message: 'decodes something and runs it', techniques: ['T1140', 'T1059.004'] }],
  [/>>?\s*\S{0,100}(?:\.bashrc|\.profile|\.bash_profile|\.zshrc|\/etc\/cron|\/etc\/profile|authorized_keys|\/etc\/ld\.so\.preload|\/etc\/sudoers|\/etc\/rc\.)|\bcrontab\s+-(?!l)|\bsystemctl\s+(?:\S+\s+)?enable\b/, { what: 'start-place', severity: 'high', message: 'writes to a place from which things are started', techniques: ['T1546.004', 'T1053.003'] }],
  [/\brm\s+(?:-\w+\s+|--\S+\s+){1,6}(?:["']?(?:\/|~|\$HOME)(?:\*|\/|["'])?(?=\s|$|;|&))|\bmkfs\b|\bdd\b[^\n]{0,200}of=\/dev\/(?:sd|nvme|vd|mmcblk|hd)|:\(\)\s*\{\s*:\|:&\s*\};:/, { what: 'destroy', severity: 'high', message: 'destroys what the machine holds', techniques: ['T1485'] }],
];

const fetchedFile: ShellRemark = { what: 'download-run', severity: 'high', message: 'downloads a file and runs it', techniques: ['T1105', 'T1059.004'] };
const output = /\b(?:curl|wget)\b[^\n;&|]{0,300}?\s(?:-o|-O|--output|>)\s{0,5}([\w./~$-]{1,200})/g;

/** A file that is named as the output of a download and later as what is run. */
function runsOutput(piece: string): boolean {
  for (const found of [...piece.matchAll(output)].slice(0, 20)) {
    const name = found[1] ?? '';
    const rest = piece.slice((found.index ?? 0) + found[0].length);
    if ([`chmod +x ${name}`, `sh ${name}`, `python ${name}`, `python3 ${name}`, `./${name}`, `source ${name}`, `exec ${name}`, `; ${name}`, `&& ${name}`].some(use => rest.includes(use))) return true;
  }
  return false;
}

/** Longer commands are looked at in pieces of this length. */
const longestLook = 4_096;

/** What is remarkable about a shell command; `spend` is told of the work. */
export function remarksOnShell(command: string, spend: (units: number) => void): ShellRemark[] {
  const found: ShellRemark[] = [];
  for (let from = 0; from < Math.min(command.length, 262_144); from += longestLook / 2) {
    const piece = command.slice(from, from + longestLook);
    spend(1 + piece.length / 20);
    for (const [pattern, remark] of shapes) if (!found.includes(remark) && pattern.test(piece)) found.push(remark);
    if (!found.includes(fetchedFile) && runsOutput(piece)) found.push(fetchedFile);
    if (from + longestLook >= command.length) break;
  }
  return found;
}
