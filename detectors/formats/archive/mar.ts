import { quoted } from '../quote.ts';
import type { Report } from '../report.ts';
import { BudgetError } from '../report.ts';
import { judgeHandler, judgeService } from './mar-handler.ts';
import { readManifest } from './mar-manifest.ts';
import type { Manifest } from './mar-manifest.ts';
import { isStartup, moduleAt, shadowing } from './python-modules.ts';
import type { Voice } from './voice.ts';

/** What is known of a member when all have been read. */
export interface Part { readonly name: string; readonly shown: string; readonly kind: string; readonly content: Uint8Array | null }

const modern = /^MAR[-_]INF\/MANIFEST\.json$/i;
const legacy = /^(?:[^/]+\/)?MANIFEST\.json$/i;
const runtimes: readonly (string | null)[] = ['python', 'python2', 'python3'];
const native: ReadonlySet<string> = new Set(['elf', 'pe', 'mach-o']);
const code = /\.(?:py|pyw|pyx)$/i;
const longestManifest = 1_048_576;

export const isManifest = (name: string): boolean => modern.test(name) || legacy.test(name);
/** Whether the content is needed to judge the archive. */
export const wantsContent = (name: string, size: number): boolean => isManifest(name) && size <= longestManifest;

/**
 * Judges a model archive of Multi Model Server (frontend ModelArchive.java, mms/model_loader.py): the handler that is imported when
 * the model is loaded, and whatever else in the archive runs or is imported in its place. The folder of the model stands
 * first in the worker's search path, so every module at its top takes the place of another.
 */
export function judgeMar(parts: readonly Part[], report: Report, voice: Voice) {
  const manifests = parts.filter(({ name }) => isManifest(name));
  const chosen = manifests.find(({ name }) => modern.test(name)) ?? manifests[0];
  if (!chosen) voice.say('mar.no-manifest', 'medium', 'The model archive has no manifest', {}, ['AML.T0076']);
  if (manifests.length > 1) voice.say('mar.two-manifests', 'medium', `The model archive has ${manifests.length} manifests: which one counts depends on the server`, {}, ['AML.T0076']);
  const root = chosen && !modern.test(chosen.name) ? chosen.name.slice(0, chosen.name.lastIndexOf('/') + 1) : '';
  for (const part of parts) judgePart(part, root, voice);
  const manifest = chosen && readChosen(chosen, report);
  if (chosen && manifest) judgeManifest(chosen, manifest, parts, root, voice);
  report.inventory('package', {
    kind: 'model archive', code: parts.filter(({ name }) => code.test(name)).slice(0, 100).map(({ shown }) => shown),
    ...(manifest ? { handler: shownOf(manifest.handlers), runtime: shownOf(manifest.runtimes), model: shownOf(manifest.names), engine: shownOf(manifest.engines) } : {}),
  });
}

const shownOf = (values: readonly (string | null)[]): string | null => {
  const last = values.at(-1);
  return typeof last === 'string' ? quoted(last, 200) : null;
};

function readChosen({ content }: Part, report: Report): Manifest | null {
  if (content === null) return null;
  try { return readManifest(content, report.budget); } catch (error) {
    if (!(error instanceof RangeError) || error instanceof BudgetError) throw error;
    return null;
  }
}

/** What runs, or is imported, without being asked for. */
function judgePart({ name, shown, kind }: Part, root: string, { say }: Voice) {
  const where = { member: shown };
  const hijacks = ['T1574', 'T1059.006', 'AML.T0018.002'];
  if (native.has(kind)) say('mar.native-code', 'high', `${quoted(name)} is native code in a model archive: its constructors run when anything loads it`, where, ['T1129', 'AML.T0011.000', 'AML.T0018.002']);
  if (/\.py[co]$/i.test(name)) say('mar.bytecode', 'medium', `${quoted(name)} is compiled Python, which runs in place of its source`, where, ['T1059.006', 'T1027']);
  if (isStartup(moduleAt(name.slice(name.lastIndexOf('/') + 1)) ?? '')) say('mar.startup-module', 'high', `${quoted(name)} is run by every Python that finds it, before anything else`, where, hijacks);
  if (/\.pth$/i.test(name) && (kind === 'text' || kind === 'python-source')) say('mar.startup-module', 'high', `${quoted(name)} is a list of paths in which Python executes lines`, where, hijacks);
  if (!name.startsWith(root)) return;
  const taken = moduleAt(name.slice(root.length)) ?? '';
  const severity = shadowing(taken);
  if (severity !== null) say('mar.shadowing', severity, `${quoted(name)} takes the place of the module ${taken} for everything that the model server's worker imports`, where, hijacks);
}

function judgeManifest({ name, shown }: Part, manifest: Manifest, parts: readonly Part[], root: string, voice: Voice) {
  const { handlers, runtimes: given } = manifest;
  const files = new Set(parts.map(part => part.name));
  const where = { member: shown };
  for (const [what, values] of [['handler', handlers], ['runtime', given]] as const) {
    if (values.length > 1) voice.say('mar.manifest-ambiguous', 'medium', `The manifest names ${values.length} values for its ${what}`, where);
    if (values.includes(null)) voice.say('mar.manifest-ambiguous', 'medium', `The ${what} of the manifest is no text`, where);
  }
  for (const runtime of given) if (runtime !== null && !runtimes.includes(runtime)) voice.say('mar.runtime', 'medium', `The runtime ${quoted(runtime)} does not exist: the server knows python, python2 and python3`, where, ['AML.T0076']);
  if (handlers.length === 0) voice.say('mar.no-handler', 'low', 'The manifest names no handler: whoever registers the model gives one', where);
  for (const handler of handlers) {
    if (handler === null) continue;
    if (modern.test(name)) judgeHandler(handler, shown, wanted => hasModule(wanted, files), voice);
    else judgeService(handler, shown, path => files.has(root + path), voice);
  }
}

/** As a module or a package at the top of the archive; what a package holds is its own business. */
function hasModule(wanted: string, files: ReadonlySet<string>): boolean {
  const path = wanted.replaceAll('.', '/');
  return ['.py', '/__init__.py', '.pyc', '.so'].some(ending => files.has(path + ending));
}

