import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { z } from 'zod';
import { ConfigError } from '../contract/errors.ts';
import { escapeText } from '../contract/text.ts';
import { hasReference, resolveReferences } from './references.ts';
import { type Config, configSchema, enabled, type Registry } from './schema.ts';
import { nearest } from './suggest.ts';

/** Largest configuration read, in bytes. */
const limit = 1_048_576;

export interface Loaded {
  readonly file: string;
  readonly config: Config;
  /** As it is in force, defaults included, secrets as the references they came from. */
  readonly printable: unknown;
}

/**
 * Reads and checks a configuration. Relative paths in it count from its own folder.
 * Throws ConfigError with one line per fault: `file:line:column: key: what is wrong`.
 */
export function loadConfig(file: string, registry: Registry, env: NodeJS.ProcessEnv = process.env): Loaded {
  const { document, lines } = parse(file, readBounded(file));
  const secrets = replaceReferences(file, document, lines, env);
  const raw = emptyBlocks(plain(file, document));
  const schema = configSchema(registry);
  const checked = schema.safeParse(raw);
  if (!checked.success) throw new ConfigError(faults(checked.error.issues, schema).map(fault => `${place(file, document, lines, fault.path)}: ${fault.text}`).join('\n'));
  const { collectors, detectors, forwarders, ...agent } = checked.data;
  const config: Config = {
    ...agent,
    stateDirectory: resolve(dirname(file), agent.stateDirectory ?? env.STATE_DIRECTORY ?? '.mxwarden'),
    collectors: enabled(collectors), detectors: enabled(detectors), forwarders: enabled(forwarders),
  };
  return { file, config, printable: redact(checked.data, secrets) };
}

/** Aliases unfolded. One that leads nowhere, or to too much, is a fault of the file. */
function plain(file: string, document: Document): unknown {
  try { return document.toJS({ maxAliasCount: 100 }); } catch (error) {
    if (error instanceof ReferenceError) throw new ConfigError(`${escapeText(file)}: ${escapeText(error.message)}; a value that begins with * must be quoted`);
    throw error;
  }
}

/** `kafka:` with nothing behind it means that plugin with its defaults; YAML reads it as null. */
function emptyBlocks(raw: unknown, depth = 0): unknown {
  if (raw === null && depth < 3) return {};
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw) || depth >= 2) return raw;
  return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, emptyBlocks(value, depth + 1)]));
}

function readBounded(file: string): string {
  try {
    const facts = statSync(file);
    if (!facts.isFile()) throw new ConfigError(`${escapeText(file)}: not a regular file`);
    if (facts.size > limit) throw new ConfigError(`${escapeText(file)}: more than ${limit} bytes`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : error;
    throw new ConfigError(`${escapeText(file)}: cannot be read (${code})${code === 'ENOENT' ? '; give another with --config FILE' : ''}`);
  }
}

function parse(file: string, text: string) {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false });
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) {
    throw new ConfigError(wrong.slice(0, 20).map(error => {
      const { line, col } = lines.linePos(error.pos[0]);
      return `${escapeText(file)}:${line}:${col}: ${escapeText(error.message)}`;
    }).join('\n'));
  }
  return { document, lines };
}

/** Replaces every reference in the document and tells which keys came from one: `a.b.0` → the reference. */
function replaceReferences(file: string, document: Document, lines: LineCounter, env: NodeJS.ProcessEnv): Map<string, string> {
  const secrets = new Map<string, string>();
  const wrong: string[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !hasReference(node.value)) return;
      const path = pathOf(key, ancestors);
      try {
        secrets.set(path, node.value);
        node.value = resolveReferences(node.value, env);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const { line, col } = lines.linePos(node.range?.[0] ?? 0);
        wrong.push(`${escapeText(file)}:${line}:${col}: ${path}: ${error.message}`);
      }
    },
  });
  if (wrong.length > 0) throw new ConfigError(wrong.join('\n'));
  return secrets;
}

function pathOf(key: unknown, ancestors: readonly unknown[]): string {
  const path: (string | number)[] = [];
  ancestors.forEach((ancestor, depth) => {
    if (typeof ancestor === 'object' && ancestor && 'key' in ancestor && isScalar(ancestor.key)) path.push(String(ancestor.key.value));
    const below = ancestors[depth + 1];
    if (typeof ancestor === 'object' && ancestor && 'items' in ancestor && Array.isArray(ancestor.items) && isScalar(below) === false) {
      const index = ancestor.items.indexOf(below);
      if (index >= 0 && !(typeof below === 'object' && below && 'key' in below)) path.push(index);
    }
  });
  if (typeof key === 'number') path.push(key);
  return path.join('.');
}

interface Fault { readonly path: readonly PropertyKey[]; readonly text: string }

function faults(issues: readonly z.core.$ZodIssue[], schema: z.ZodType): Fault[] {
  return issues.slice(0, 50).flatMap(issue => {
    const name = escapeText(issue.path.join('.'));
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, text: `${name || 'the file'}: ${escapeText(issue.message)}` }];
    return issue.keys.map(key => ({
      path: [...issue.path, key],
      text: `${name ? `${name}.` : ''}${escapeText(key)}: unknown key${suggestion(key, knownKeys(schema, issue.path))}`,
    }));
  });
}

function suggestion(key: string, known: readonly string[]): string {
  const guess = nearest(key, known);
  if (guess !== null) return `; did you mean ${guess}?`;
  return known.length > 0 ? `; known here: ${known.join(', ')}` : '';
}

/** The keys that the schema knows at a path; zod's own issue does not name them. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let here: unknown = schema;
  for (const step of [...path, undefined]) {
    while (here instanceof z.ZodPrefault || here instanceof z.ZodDefault || here instanceof z.ZodOptional) here = here.unwrap();
    if (step === undefined) break;
    if (here instanceof z.ZodObject) here = here.shape[String(step)];
    else if (here instanceof z.ZodArray) here = here.element;
    else return [];
  }
  return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
}

/** `file:line:column` of the deepest part of a key's path that the file has. */
function place(file: string, document: Document, lines: LineCounter, path: readonly PropertyKey[]): string {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    const pair = typeof parent === 'object' && parent && 'items' in parent && Array.isArray(parent.items)
      ? parent.items.find((item, index) => index === last || (item as { key?: { value?: unknown } }).key?.value === last) as { key?: { range?: [number] }; range?: [number] } | undefined
      : undefined;
    const at = pair?.key?.range?.[0] ?? pair?.range?.[0];
    if (at !== undefined) {
      const { line, col } = lines.linePos(at);
      return `${escapeText(file)}:${line}:${col}`;
    }
  }
  return `${escapeText(file)}:1:1`;
}

const secretName = /password|secret|token|authorization|credential|passphrase/i;

/** Values that came from a reference are shown as the reference, others with a telling name as `***`. */
function redact(value: unknown, secrets: ReadonlyMap<string, string>, path = ''): unknown {
  const reference = secrets.get(path);
  if (reference !== undefined) return reference;
  if (Array.isArray(value)) return value.map((item, index) => redact(item, secrets, path ? `${path}.${index}` : String(index)));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => {
    const below = path ? `${path}.${key}` : key;
    const hidden = typeof item === 'string' && (secretName.test(key) || /(^|\.)headers$/.test(path)) && !secrets.has(below);
    return [key, hidden ? '***' : redact(item, secrets, below)];
  }));
}
