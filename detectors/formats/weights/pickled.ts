/**
 * Whether a pickle that imports something begins here. This is no unpickler and no verdict on a pickle: it only tells a
 * pickle from numbers that look like its first bytes. Opcodes as in CPython's Lib/pickletools.py.
 */

/** Bytes of argument, or how the argument says its length. */
type Argument = number | 'line' | 'length1' | 'length4' | 'length8';

const argumentsOf = new Map<number, Argument>();
const define = (letters: string, argument: Argument) => { for (const letter of letters) argumentsOf.set(letter.charCodeAt(0), argument); };
define('(N})]a0123edlstub\x85\x86\x87\x81\x88\x89\x8f\x90\x91\x92\x94oRQ', 0);
define('Kqh\x80\x82', 1);
define('M\x83', 2);
define('Jjr\x84', 4);
define('G\x95', 8);
define('FILSVPpg', 'line');
define('UC\x8c\x8a', 'length1');
define('TXB\x8b', 'length4');
define('\x8d\x8e\x96', 'length8');

const mostOpcodes = 1_000;
const identifier = /^[A-Za-z_][\w.]{0,200}$/;
/** Without a PROTO there is nothing to go by but the module: those that run code, and those of models. */
const bareModules = /^(?:os|nt|posix|pty|sys|subprocess|builtins|__builtin__|importlib|runpy|codecs|code|socket|shutil|mxnet[\w.]*)$/;

/** 'cut': these are opcodes, and they go on beyond the bytes. */
export type Import = { readonly name: string } | 'cut' | 'none';

/** The first import, as `module.name`, when well-formed opcodes lead to it. */
export function importOf(bytes: Uint8Array): Import {
  if (bytes[0] !== 0x80) {
    const found = globalAt(bytes, 1);
    return typeof found === 'string' || bareModules.test(found.name.slice(0, found.name.indexOf('\n'))) ? dotted(found) : 'none';
  }
  if ((bytes[1] ?? 0) > 5) return 'none';
  const strings: string[] = [];
  let protocols = 1;
  for (let at = 2, count = 0; at < bytes.length && count < mostOpcodes; count++) {
    const code = bytes[at] ?? 0;
    at += 1;
    if (code === 0x63 || code === 0x69) return dotted(globalAt(bytes, at));
    if (code === 0x93) {
      const [module, name] = strings.slice(-2);
      return module !== undefined && name !== undefined && identifier.test(module) && identifier.test(name) ? { name: `${module}.${name}` } : 'none';
    }
    const argument = argumentsOf.get(code);
    if (code === 0x80) protocols += 1;
    // A value that begins so, over and over, is no pickle.
    if (argument === undefined || protocols > 3) return 'none';
    const { start, end } = extent(bytes, at, argument);
    if (end > bytes.length) return 'cut';
    if (code === 0x8c || code === 0x58 || code === 0x55) strings.push(ascii(bytes, start, Math.min(end, start + 256)));
    at = end;
  }
  return 'cut';
}

function extent(bytes: Uint8Array, at: number, argument: Argument): { readonly start: number; readonly end: number } {
  if (typeof argument === 'number') return { start: at, end: at + argument };
  if (argument === 'line') {
    const end = bytes.indexOf(0x0a, at);
    return { start: at, end: end < 0 ? Infinity : end + 1 };
  }
  const width = Number(argument.slice(-1));
  let length = 0;
  for (let index = width - 1; index >= 0; index--) length = length * 256 + (bytes[at + index] ?? 0);
  return { start: at + width, end: at + width + length };
}

/** Two lines: a module and a name in it, still with the newline between them. */
function globalAt(bytes: Uint8Array, at: number): Import {
  const [module = '', name, rest] = ascii(bytes, at, at + 406).split('\n');
  if (rest !== undefined) return identifier.test(module) && identifier.test(name ?? '') ? { name: `${module}\n${name}` } : 'none';
  const goesOn = /^[\w.]*$/.test(name ?? module) && (name === undefined || identifier.test(module));
  return goesOn && at + 406 > bytes.length ? 'cut' : 'none';
}

const dotted = (found: Import): Import => typeof found === 'string' ? found : { name: found.name.replace('\n', '.') };
const ascii = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));
