/** A numeric field of a tar header, and what readers would not agree on in it. */
export interface Numeral {
  /** As GNU tar reads it. NaN where it reads none; infinite beyond what can be counted. */
  readonly value: number;
  readonly flaw: string | null;
}

const [nul, space, zero, seven] = [0, 0x20, 0x30, 0x37];

/**
 * Octal digits with leading spaces and trailing spaces or NULs (POSIX.1 ustar), or GNU's base 256: 0x80 before a number, 0xff
 * before a negative one (GNU tar manual, "Extensions"). Writers use that only for what does not fit in octal. Python takes
 * `1_0`, `0o7` and `-7` as well, GNU tar stops at the first other byte, and both have older forms of their own.
 */
export function readNumeral(field: Uint8Array): Numeral {
  const first = field[0] ?? 0;
  if (first >= 0x80) return base256(field);
  let at = 0;
  while (field[at] === space) at += 1;
  const start = at;
  let value = 0;
  for (; at < field.length && (field[at] ?? 0) >= zero && (field[at] ?? 0) <= seven; at++) value = value * 8 + (field[at] ?? 0) - zero;
  for (let rest = at; rest < field.length; rest++) if (field[rest] !== nul && field[rest] !== space) return { value: at > start ? value : Number.NaN, flaw: 'is not an octal number alone' };
  return { value, flaw: null };
}

function base256(field: Uint8Array): Numeral {
  const first = field[0] ?? 0;
  const negative = (first & 0x40) !== 0;
  let value = BigInt(negative ? first - 0x100 : first & 0x3f);
  for (const byte of field.subarray(1)) value = value * 256n + BigInt(byte);
  const told = Number(value);
  if (first !== 0x80 && first !== 0xff) return { value: told, flaw: 'is in base 256 behind an unusual first byte' };
  if (!Number.isSafeInteger(told)) return { value: negative ? -Infinity : Infinity, flaw: 'is beyond any file' };
  if (!negative && told < 8 ** (field.length - 1)) return { value: told, flaw: 'is in base 256 though it fits in octal' };
  return { value: told, flaw: null };
}

/** Nothing stands in the field: no digit at all. */
export const isBlank = (field: Uint8Array): boolean => field.every(byte => byte === nul || byte === space);
