import { readFileSync, statSync } from 'node:fs';

/** Largest secret file read, in bytes. */
const limit = 65_536;

const reference = /\$\{(env|file):([^}]*)\}/g;

export const hasReference = (text: string): boolean => text.search(reference) >= 0;

/**
 * `${env:NAME}` and `${file:/path}` replaced by what they stand for; a file's last newline is cut.
 * Throws RangeError that says what is missing, never what was found.
 */
export function resolveReferences(text: string, env: NodeJS.ProcessEnv): string {
  return text.replaceAll(reference, (_, kind: string, name: string) => kind === 'env' ? fromEnvironment(name, env) : fromFile(name));
}

function fromEnvironment(name: string, env: NodeJS.ProcessEnv): string {
  const value = env[name];
  if (value === undefined) throw new RangeError(`the environment has no variable ${JSON.stringify(name)}`);
  return value;
}

function fromFile(path: string): string {
  if (!path.startsWith('/')) throw new RangeError(`a secret's file needs an absolute path, not ${JSON.stringify(path)}`);
  try {
    const facts = statSync(path);
    if (!facts.isFile()) throw new RangeError(`${path} is not a regular file`);
    if (facts.size > limit) throw new RangeError(`${path} has more than ${limit} bytes`);
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new RangeError(`cannot read ${path}: ${error instanceof Error && 'code' in error ? error.code : 'unreadable'}`);
  }
}
