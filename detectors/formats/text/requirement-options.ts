import type { Severity } from '../../../agent/contract/finding.ts';
import { quoted } from '../quote.ts';
import { checkUrl } from './requirement-url.ts';
import { type RequirementVoice, withoutCredentials } from './requirement-voice.ts';

/** Options that pip knows in such a file, short ones by their long name. */
const short: Readonly<Record<string, string>> = { '-i': '--index-url', '-f': '--find-links', '-r': '--requirement', '-c': '--constraint', '-e': '--editable' };
const harmless = new Set(['--no-index', '--require-hashes', '--prefer-binary', '--only-binary', '--use-feature', '--pre', '--no-deps', '--hash']);
const building = new Set(['--no-binary', '--global-option', '--config-settings', '--config-setting', '--install-option', '--build-option', '--no-use-wheel']);
const known = [...harmless, ...building, '--index-url', '--pypi-url', '--extra-index-url', '--find-links', '--requirement', '--constraint', '--editable', '--trusted-host', '--process-dependency-links', '--always-unzip'];
const chain = ['T1195.001', 'AML.T0010.001'];
/** The index that pip uses by itself. */
const usualIndex = /^https:\/\/(?:pypi\.org|pypi\.python\.org)\/simple\/?$/i;

/** A line of options; several may stand on one. */
export function checkOption(content: string, line: number, voice: RequirementVoice) {
  const words = content.split(/\s+/).slice(0, 200);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) continue;
    const { name, value, consumed } = read(word, words[at + 1]);
    at += consumed;
    if (name === null) voice('syntax', 'medium', line, `An option is not known: ${quoted(word)}`, ['AML.T0076']);
    else tell(name, unquoted(value), line, voice);
  }
}

/** The shell's quotes are taken off, as pip does. */
const unquoted = (value: string): string => value.replace(/^(['"])(.*)\1$/, '$2');

/** Long options may be shortened as far as they are the only ones (optparse). */
function read(word: string, next: string | undefined): { readonly name: string | null; readonly value: string; readonly consumed: number } {
  if (!word.startsWith('--')) {
    const name = short[word.slice(0, 2)] ?? null;
    const attached = word.slice(2).replace(/^=/, '');
    return { name, value: attached === '' ? next ?? '' : attached, consumed: attached === '' && name !== null ? 1 : 0 };
  }
  const equals = word.indexOf('=');
  const given = equals < 0 ? word : word.slice(0, equals);
  const matching = known.includes(given) ? [given] : known.filter(option => option.startsWith(given));
  const name = matching.length === 1 ? matching[0] ?? null : null;
  const isFlag = name !== null && /^--(?:no-index|require-hashes|prefer-binary|pre|no-deps|no-use-wheel|process-dependency-links|always-unzip)$/.test(name);
  return { name, value: equals < 0 ? (isFlag ? '' : next ?? '') : word.slice(equals + 1), consumed: equals < 0 && !isFlag && name !== null ? 1 : 0 };
}

function tell(name: string, value: string, line: number, voice: RequirementVoice) {
  const shown = quoted(withoutCredentials(value), 120);
  const plain = /^(?:http|ftp|git|file|svn|hg|bzr):/i.test(value) || value === '';
  const severity: Severity = plain ? 'high' : 'medium';
  switch (name) {
    case '--index-url': case '--pypi-url':
      if (usualIndex.test(value)) return;
      voice('index', severity, line, `All packages come from ${shown}`, chain);
      checkUrl(value, line, voice);
      return;
    case '--extra-index-url':
      voice('extra-index', severity, line, `Packages come from ${shown} as well: whoever has a higher version there under the same name is installed`, chain);
      checkUrl(value, line, voice);
      return;
    case '--find-links':
      voice('find-links', severity, line, `Packages are looked for in ${shown}`, chain);
      checkUrl(value, line, voice);
      return;
    case '--trusted-host': voice('trusted-host', 'high', line, `Nothing is checked of what ${shown} sends`, [...chain, 'T1562.001']); return;
    case '--editable': editable(value, shown, line, voice); return;
    case '--requirement': case '--constraint': included(value, shown, line, voice); return;
    case '--pre': voice('pre-release', 'low', line, 'Unfinished versions are installed as well', chain); return;
    default: if (building.has(name)) voice('build-option', 'medium', line, `The option ${name} has packages built here, which runs their code`, chain);
  }
}

function editable(value: string, shown: string, line: number, voice: RequirementVoice) {
  const remote = /:\/\//.test(value);
  voice('editable', 'medium', line, remote ? `The source of ${shown} is fetched, built and run` : `The folder ${shown} is installed, which runs its setup`, chain);
  if (remote) checkUrl(value, line, voice);
}

function included(value: string, shown: string, line: number, voice: RequirementVoice) {
  if (/:\/\//.test(value)) { voice('include', 'high', line, `Further requirements are fetched from ${shown}`, chain); checkUrl(value, line, voice); }
  else if (/^\/|(?:^|[\\/])\.\.(?:[\\/]|$)|^[A-Za-z]:/.test(value)) voice('include', 'medium', line, `Further requirements are read from ${shown}, outside of the folder`, chain);
  else voice('include', 'info', line, `Further requirements are read from ${shown}`, chain);
}
