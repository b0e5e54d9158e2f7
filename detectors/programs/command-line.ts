/*
 * What a command line says by itself, whatever the program is called. Words are at most 1,024 characters and 64 in number
 * (agent/contract/process.ts), and every pattern here takes time in proportion to that.
 */

const connectors = /^(nc|ncat|netcat|nc\.openbsd|nc\.traditional|socat)$/;
/** In source text given on a command line: a socket, and what hands a program to it. */
const socketWords = /socket\.(socket|create_connection)|(import|from|use)\s+socket\b|IO::Socket|TCPSocket|fsockopen|net\.connect|net\.Socket|require\W{1,3}socket\W|\/inet\/tcp\//i;
const handing = /dup2|pty\.spawn|subprocess|popen|os\.system|child_process|\bexec\b|shell_exec|proc_open|passthru|os\.execute|STDIN|\/bin\/(ba|da|z|k)?sh|\bgetline\b/;
const fetching = /urlopen|urlretrieve|urllib|requests\.(get|post)|httpx|http\.client|aiohttp|LWP::|HTTP::Tiny|Net::HTTP|open-uri|file_get_contents\(\W{0,3}https?:|fetch\(|https?\.get\(/;

/** Why these words make a shell that somebody far away types into; null when they do not. `names` as in classes.ts. */
export function reverseShell(names: readonly string[], argv: readonly string[]): string | null {
  const rest = argv.slice(1);
  if (argv.some(word => /\/dev\/(tcp|udp)\/[^/\s]+\/\S/.test(word))) return 'a shell\'s own network file /dev/tcp';
  if (names.some(name => connectors.test(name)) && rest.some(word => /^(-[a-zA-Z]*[ec]|--(sh-|lua-)?exec(=.*)?)$/.test(word))) return 'a connection that is given a program';
  if (names.includes('socat') && rest.some(word => /^(exec|system|shell):/i.test(word)) && rest.some(word => /^(tcp|tcp4|tcp6|udp|openssl|ssl|sctp|socks\w*|proxy)[\w-]*:/i.test(word))) return 'a connection that is given a program';
  if (rest.some(word => /pty\.spawn\(/.test(word))) return 'a terminal made for a shell without one';
  if (codeOf(argv).some(code => socketWords.test(code) && handing.test(code))) return 'code that gives a program to a socket';
  if (rest.some(word => /\b(mkfifo|mknod)\b/.test(word) && /\b(nc|ncat|netcat|telnet|openssl\s+s_client|socat)\b/.test(word))) return 'a named pipe between a shell and a connection';
  return rest.some(word => /\btelnet\s/.test(word) && /\|\s?[\w/.-]{0,32}\b(ba|da|z)?sh\b/.test(word)) ? 'a shell that reads from a connection' : null;
}

/** Source text on the command line that fetches something: `python3 -c "import urllib.request; …"`. */
export const fetches = (argv: readonly string[]): boolean => codeOf(argv).some(code => fetching.test(code));

/** What follows -c, -e, -E, -r or --eval: source text in the languages that take it there; awk's is its first word. */
function codeOf(argv: readonly string[]): readonly string[] {
  const own = /(^|\/)[gm]?awk$/.test(argv[0] ?? '') ? argv.slice(1) : [];
  return [...own, ...argv.filter((_, index) => index > 1 && /^(-[a-zA-Z]*[ceEr]|--eval|--print|-p)$/.test(argv[index - 1] ?? ''))];
}

const pools = /(^|[/@.])(nanopool\.org|supportxmr\.com|minexmr\.com|moneroocean\.stream|hashvault\.pro|2miners\.com|f2pool\.com|nicehash\.com|ethermine\.org|unmineable\.com|herominers\.com|c3pool\.(com|org)|dwarfpool\.com|xmrpool\.eu|woolypooly\.com)(:\d+)?(\/|$)/i;

/** A pool's address, or options that only miners have (the manuals of xmrig and cpuminer). */
export const mines = (argv: readonly string[]): boolean => argv.some((word, index) =>
  /\bstratum\d?(\+(tcp|ssl|tls|udp))?:\/\//i.test(word) || pools.test(word) || /^--(donate-level|randomx-\w[\w-]*|cpu-max-threads-hint|nicehash|coin=monero)(=|$)/.test(word)
  || (/^(-a|--algo)$/.test(argv[index - 1] ?? '') && /^(rx\/\w+|randomx|cn\/\w+|cryptonight\w*|ethash|etchash|kawpow|autolykos2?|argon2\/\w+)$/i.test(word)));

const preloading = /(?:^|[\s;&|'"(])(LD_PRELOAD|LD_AUDIT)=(?:(['"])([^'"]*)\2|([^\s;&|'"]*))/;
const librariesOfSystem = /^\/(usr\/)?(local\/)?lib(32|64)?\/\S+$/;

/** Native code that is to be put before all other code of a program, as the words name it; null when there is none. */
export function preloads(argv: readonly string[]): { readonly what: string; readonly usual: boolean } | null {
  for (const word of argv.slice(1)) {
    const [, name, , quoted, plain] = preloading.exec(word) ?? [];
    const value = quoted ?? plain ?? '';
    if (name !== undefined && value !== '') return { what: `${name}=${value}`, usual: name === 'LD_PRELOAD' && value.split(/[:\s]+/).every(each => librariesOfSystem.test(each) && !each.includes('/../')) };
  }
  return null;
}

const linker = /^ld(-linux[\w.-]*|-musl[\w.-]*|-2\.\d+|64)?\.so(\.\d+)?$/;

/** The dynamic linker run as a program, with another to run: so runs what may not be executed. `ldd` only asks it. */
export const throughLinker = (path: string, argv: readonly string[]): boolean =>
  linker.test(path.slice(path.lastIndexOf('/') + 1)) && argv.length > 1 && !/^--(list\S*|verify|help|version)$/.test(argv[1] ?? '');
