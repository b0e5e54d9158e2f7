import { defineFormat, type Format } from '../format.ts';
import { type Format as Kind, headBytes, kindOf } from '../kind.ts';

const kinds: ReadonlyMap<Kind, string> = new Map([['pe', 'a program or library of Windows (PE)'], ['mach-o', 'a program or library of macOS (Mach-O)'], ['java-class', 'a Java class']]);

/** Programs of other systems: told, never read, so that no such file is clean. */
export const native: Format = defineFormat({
  name: 'native',
  fits: ({ name, head }) => kinds.has(kindOf(name, head).format),
  inspect(source, report, name) {
    const { format } = kindOf(name, Uint8Array.from(source.read(0, headBytes)));
    report.note({ rule: 'native.unread', severity: 'low', confidence: 0.8, where: { offset: 0 }, techniques: ['T1129'], message: `It is ${kinds.get(format) ?? 'native code'}; what it does was not read` });
    report.inventory('kind', format);
    report.skipped({ offset: 0, length: source.size, why: `${format} is not read` });
  },
});
