import { quoted } from '../quote.ts';
import type { Header } from './header.ts';
import { bpf } from './machines.ts';
import type { Section } from './sections.ts';
import type { Voice } from './voice.ts';

/** Sections that the kernel's build gives every module (include/linux/module.h). */
const moduleSections: ReadonlySet<string> = new Set(['.modinfo', '.gnu.linkonce.this_module', '__versions']);

/** Files that no process maps as code: object files, and what the kernel loads; memory of dead processes. */
export function checkObject(header: Header, sections: readonly Section[], voice: Voice) {
  const module = sections.find(({ name }) => moduleSections.has(name));
  if (header.type === 'core') voice.say('core', 'medium', 0.8, 0, 'It is the memory of a process that ended: whatever that knew, keys and passwords included, is in it', ['T1005', 'T1552.001']);
  else if (module !== undefined) voice.say('kernel-module', 'critical', 0.9, 0, `It is a kernel module (it has ${quoted(module.name)}), which no model needs`, ['T1547.006', 'T1014']);
  else if (header.number === bpf) voice.say('bpf-object', 'high', 0.9, 0, 'It is a program for the kernel (BPF), which no model needs', ['T1014']);
  else voice.say('object', 'low', 0.7, 0, 'It is an object file, which is linked before it can be loaded', ['T1129']);
}
