import { z } from 'zod';

/** Patterns of absolute paths, as an operator writes them: `candidatesOf` (globs.ts) finds what they name. */
export const patterns = z.array(
  z.string().min(1).max(4_095).refine(path => path.startsWith('/'), 'an absolute path').refine(path => !path.includes('**'), 'a * stands for one name'),
).max(1_024);
