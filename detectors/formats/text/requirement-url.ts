import { quoted } from '../quote.ts';
import { type RequirementVoice, withoutCredentials } from './requirement-voice.ts';

/** What is remarkable about any URL that pip fetches from. */
export function checkUrl(url: string, line: number, voice: RequirementVoice) {
  if (/\/\/[^/@\s]*:[^/@\s]+@|\/\/[^/@\s]{8,}@/.test(url) && !/^(?:git\+)?ssh:\/\/git@/i.test(url)) voice('credentials', 'medium', line, `A name or password stands in the URL ${quoted(withoutCredentials(url), 120)}`, ['T1552.001']);
  if (/^[\w+]*:\/\/(?:[^/@\s]*@)?(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:]+\]|0x[\da-f]+|\d{8,10})(?:[:/]|$)/i.test(url)) voice('address', 'medium', line, `A bare address serves packages: ${quoted(withoutCredentials(url), 120)}`, ['T1195.001', 'T1105']);
}
