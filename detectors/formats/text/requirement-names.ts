import { quoted } from '../quote.ts';
import { checkUrl } from './requirement-url.ts';
import { checkOption } from './requirement-options.ts';
import { type RequirementVoice, withoutCredentials } from './requirement-voice.ts';

export interface Tally { readonly packages: string[]; unpinned: number; unhashed: number; hashed: number }

/** PEP 508: a name, extras, versions or a URL, and a condition. */
const requirement = /^([A-Za-z0-9](?:[\w.-]{0,200}[A-Za-z0-9])?)\s*(?:\[[\w\s,.-]{0,500}\])?\s*(?:\(?\s*((?:(?:===?|~=|!=|<=?|>=?)\s*[^\s,;()]{1,200}\s*,?\s*){1,20})\)?|@\s*(\S{1,4000}))?\s*(?:;\s*(.{1,1000}))?$/;
const condition = /^[\s\w.'"()<>=!~,+-]*$/;
const chain = ['T1195.001', 'AML.T0010.001'];

/** Packages that a model of MXNet is served with, and the best known ones: names that attackers come close to. */
const famous = ['mxnet', 'mxnet-cu112', 'mxnet-mkl', 'gluonts', 'gluoncv', 'gluonnlp', 'autogluon', 'numpy', 'pandas', 'scipy', 'pillow', 'requests', 'urllib3', 'opencv-python', 'scikit-learn', 'matplotlib',
  'multi-model-server', 'sagemaker', 'sagemaker-inference', 'boto3', 'botocore', 'flask', 'pyyaml', 'onnx', 'onnxruntime', 'torch', 'tensorflow', 'keras', 'transformers', 'setuptools', 'protobuf', 'joblib', 'tqdm', 'cryptography', 'certifi', 'jinja2', 'six'];
/** Packages of their own that happen to be one letter away. */
const innocent = new Set(['boto', 'ctransformers', 'grequests', 'pyaml', 'scapy', 'scipp', 'stqdm', 'torchx', 'willow']);

/** One requirement of a package, or a file or URL to install. */
export function checkRequirement(content: string, line: number, voice: RequirementVoice, tally: Tally) {
  const options = content.search(/\s--?[a-z]/i);
  const plain = (options < 0 ? content : content.slice(0, options)).trim();
  const hashed = /\s--hash[=\s]/.test(content);
  const rest = options < 0 ? '' : content.slice(options).trim().replace(/--hash[=\s]\s*\w+:[\da-fA-F]+/g, '').trim();
  if (rest !== '') checkOption(rest, line, voice);
  if (hashed) tally.hashed += 1;
  else tally.unhashed += 1;
  if (/^[\w+.-]+:\/\//.test(plain)) { direct(plain, line, voice); return; }
  if (/^[./\\~]|[\\/]|\.(?:whl|zip|tar\.gz|tgz|egg)$/i.test(plain.split('@')[0] ?? '') && !/^[\w.-]+\s*@/.test(plain)) { local(plain, line, voice); return; }
  const found = requirement.exec(plain);
  if (!found) { voice('syntax', 'medium', line, `A line is no requirement: ${quoted(plain, 120)}`, ['AML.T0076']); return; }
  const [, name = '', versions, url, marker] = found;
  if (tally.packages.length < 1_000) tally.packages.push(`${name}${versions === undefined ? '' : versions.replaceAll(' ', '').slice(0, 60)}`);
  if (url !== undefined) direct(url, line, voice);
  else if (!/===?\s*[^*\s]+$/.test((versions ?? '').trim())) tally.unpinned += 1;
  if (marker !== undefined && !condition.test(marker)) voice('syntax', 'medium', line, `A condition is not understood: ${quoted(marker)}`, ['AML.T0076']);
  const meant = imitated(name);
  if (meant !== null) voice('lookalike', 'medium', line, `The package ${quoted(name)} is one letter away from ${quoted(meant)}`, [...chain, 'T1036.005']);
}

function direct(url: string, line: number, voice: RequirementVoice) {
  const shown = quoted(withoutCredentials(url), 120);
  const open = /^(?:(?:git|hg|svn|bzr)\+)?(?:http|ftp|git|svn|file):/i.test(url);
  const isSource = /^(?:git|hg|svn|bzr)\+/i.test(url);
  voice(isSource ? 'source' : 'url', open ? 'high' : 'medium', line, isSource ? `The source ${shown} is fetched, built and run` : `A package is installed from ${shown}`, chain);
  checkUrl(url, line, voice);
}

function local(path: string, line: number, voice: RequirementVoice) {
  const outside = /^[/~\\]|(?:^|[\\/])\.\.(?:[\\/]|$)/.test(path);
  voice('local', 'medium', line, `The package ${quoted(path, 120)} is installed, which comes with the model${outside ? ' or lies outside of it' : ''}`, chain);
}

/** Names as pip compares them (PEP 503). */
const normal = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');

function imitated(name: string): string | null {
  const given = normal(name);
  if (given.length < 4 || given.length > 40 || famous.includes(given) || innocent.has(given) || /^mxnet-cu\d+(?:mkl)?$/.test(given)) return null;
  return famous.find(other => other.length > 4 && isOneAway(given, other)) ?? null;
}

/** One letter more, less or other, or two neighbours exchanged; a figure at the end is a version of the same. */
function isOneAway(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false;
  if (/\d$/.test(one) && one.slice(0, -1) === other.replace(/\d$/, '')) return false;
  let from = 0;
  while (from < one.length && one[from] === other[from]) from += 1;
  let end = 0;
  while (end < Math.min(one.length, other.length) - from && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const [left, right] = [one.slice(from, one.length - end), other.slice(from, other.length - end)];
  if (left.length <= 1 && right.length <= 1) return true;
  return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
}
