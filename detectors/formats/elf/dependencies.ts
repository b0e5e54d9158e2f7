import { quoted } from '../quote.ts';
import type { Dynamic } from './dynamic.ts';
import type { Image } from './image.ts';
import { evasion, hijack, type Voice } from './voice.ts';

/** Other files that the loader is told to fetch, and where it is told to look for them. */
export interface Dependencies {
  readonly soname?: string;
  readonly needed: readonly string[];
  readonly rpath?: string;
  readonly runpath?: string;
}

const anyone = /^\/(?:tmp|var\/tmp|dev\/shm|run\/(?:user|lock|shm)|var\/(?:lock|crash)|proc)(?:\/|$)/;
const installed = /^\/(?:usr|lib|lib32|lib64|opt|nix\/store|gnu\/store|System)(?:\/|$)/;
/** ld.so(8): what stands for the folder of the file, for lib or lib64, and for the processor. */
const origin = /^\$(?:\{ORIGIN\}|ORIGIN)(?:\/|$)/;
const mostKept = 256;
/** DF_TEXTREL in DT_FLAGS. */
const textRelocations = 4;

/** As ld.so(8) reads them. Names beyond the table of names are told. */
export function readDependencies(dynamic: Dynamic, image: Image, voice: Voice): Dependencies {
  const name = (offset: number): string | null => {
    const text = dynamic.strings?.at(offset) ?? null;
    if (text === null && dynamic.strings !== null) voice.refused('dynamic-address', dynamic.offset, 'The dynamic section has a name outside of the table of names');
    return text;
  };
  const one = (offset: number | undefined): string | null => offset === undefined ? null : name(offset);
  const needed = dynamic.all('needed').slice(0, mostKept).flatMap(each => name(each) ?? []);
  if (dynamic.all('needed').length > mostKept) voice.say('needed', 'medium', 0.7, dynamic.offset, `It needs ${dynamic.all('needed').length} libraries; only ${mostKept} were looked at`, hijack);
  for (const each of needed) checkNeeded(each, dynamic.offset, voice);
  for (const tag of ['audit', 'depAudit'] as const) {
    for (const each of dynamic.all(tag).slice(0, mostKept)) voice.say('audit', 'high', 0.9, dynamic.offset, `It names the auditor ${quoted(name(each) ?? '')}, which the loader runs inside of the process, before anything else`, hijack);
  }
  for (const tag of ['auxiliary', 'filter'] as const) {
    for (const each of dynamic.all(tag).slice(0, mostKept)) voice.say('filter', 'medium', 0.8, dynamic.offset, `Its symbols are to be found in ${quoted(name(each) ?? '')} instead`, hijack);
  }
  const [rpath, runpath, soname] = [one(dynamic.get('rpath')), one(dynamic.get('runpath')), one(dynamic.get('soname'))];
  for (const path of [rpath, runpath]) if (path !== null) checkPath(path, dynamic.offset, voice);
  if (soname?.includes('/') === true) voice.say('soname', 'medium', 0.8, dynamic.offset, `It calls itself ${quoted(soname)}, which is a path`, evasion);
  const changesCode = dynamic.get('textRelocations') !== undefined || ((dynamic.get('flags') ?? 0) & textRelocations) !== 0;
  if (changesCode && image.loads.some(({ write, execute }) => execute && !write)) {
    voice.say('text-relocations', 'medium', 0.7, dynamic.offset, 'It has its code changed when it is loaded (TEXTREL)', ['T1027.002']);
  }
  return { needed: needed.map(shown), ...soname === null ? {} : { soname: shown(soname) }, ...rpath === null ? {} : { rpath: shown(rpath) }, ...runpath === null ? {} : { runpath: shown(runpath) } };
}

const shown = (text: string): string => quoted(text, 200).slice(1, -1);

function checkNeeded(name: string, offset: number, voice: Voice) {
  const say = (severity: 'high' | 'medium' | 'low', what: string) => voice.say('needed', severity, 0.8, offset, `It needs ${quoted(name)}, ${what}`, hijack);
  if (name === '') say('medium', 'which is no name');
  else if (anyone.test(name)) say('high', 'in a folder where anyone may write');
  else if (name.startsWith('/')) say(installed.test(name) ? 'low' : 'medium', 'by its path instead of its name');
  else if (name.includes('/') && !origin.test(name)) say('high', 'a path from wherever the process was started');
  else if (/[\0-\x20\x7f-\xff]/.test(name)) say('medium', 'which no library is called');
}

/** Empty parts and relative ones are the working directory of the process: whoever writes there is loaded. */
function checkPath(path: string, offset: number, voice: Voice) {
  const say = (severity: 'high' | 'low' | 'info', what: string) => voice.say('search-path', severity, 0.8, offset, `It has libraries looked for in ${quoted(path, 120)}: ${what}`, hijack);
  const parts = path.split(':').slice(0, 1_000);
  if (path === '') return;
  if (parts.includes('')) say('high', 'an empty part is the working directory');
  else if (parts.some(part => anyone.test(part))) say('high', 'anyone may write there');
  else if (parts.some(part => !part.startsWith('/') && !origin.test(part))) say('high', 'a relative part begins at the working directory');
  else if (parts.some(part => !origin.test(part) && !installed.test(part))) say('low', 'not a folder of the system nor its own');
  else say('info', parts.every(part => origin.test(part)) ? 'from its own folder' : 'folders of the system');
}
