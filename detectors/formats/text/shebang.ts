/** The program that the kernel runs a script with, by its last name; `env` is looked through. */
export function interpreterOf(head: Uint8Array): string {
  const line = Buffer.from(head.subarray(0, 512)).toString('latin1').split('\n', 1)[0] ?? '';
  const words = line.slice(2).trim().split(/[ \t]+/);
  const base = (word: string) => word.slice(word.lastIndexOf('/') + 1);
  let name = base(words[0] ?? '');
  if (name === 'env') name = base(words.slice(1).find(word => !word.startsWith('-') && !word.includes('=')) ?? '');
  return /^(?:i?python|pypy)[\d.]*w?$/.test(name) ? 'python' : name.replace(/\r$/, '');
}

const usual = /^#![ \t]*(?:\/usr\/(?:local\/)?bin\/|\/bin\/)(?:env[ \t]+(?:-S[ \t]+)?)?[\w.+-]+(?:[ \t]+[\w=-]+)*[ \t]*\r?$/;

/** The first line of a script whose interpreter lies where none is installed; null for the usual ones. */
export function oddInterpreter(text: string): string | null {
  const first = (text.split('\n', 1)[0] ?? '').slice(0, 512);
  return first.startsWith('#!') && !usual.test(first) ? first : null;
}
