/* Probes on the functions of libraries: links of the kernel, gone with this process. */
import { errnoName, type Handle, type Libbpf, uprobeOptionBytes } from './library.ts';
import type { Program } from './programs.ts';
import { cookie } from './table.ts';
import type { ProbePlace } from './wire.ts';

export interface Probing {
  /** Null, or why the kernel refused. A return is on before its entry, which is worth nothing without it. */
  attach(path: string, place: ProbePlace): string | null;
  detach(probe: number): void;
}

export function createProbing(bpf: Libbpf, entry: Program, exit: Program): Probing {
  const links = new Map<number, Handle[]>();

  function link(program: Program, path: string, { probe, offset, named, paired }: ProbePlace, retprobe: boolean): Handle {
    const upper = (named ? cookie.named : 0) | (paired ? cookie.paired : 0);
    const value = (BigInt(upper) << 32n) | BigInt(probe);
    return bpf.attachUprobe(program.handle, -1, path, BigInt(offset), { sz: uprobeOptionBytes, ref_ctr_offset: 0, bpf_cookie: value, retprobe, func_name: null });
  }

  function detach(probe: number): void {
    for (const each of links.get(probe) ?? []) bpf.destroyLink(each);
    links.delete(probe);
  }

  return {
    detach,
    attach(path, place) {
      links.set(place.probe, []);
      for (const [program, isReturn] of place.paired ? [[exit, true], [entry, false]] as const : [[entry, false]] as const) {
        const made = link(program, path, place, isReturn);
        if (made === null) { const why = errnoName(bpf.errno()); detach(place.probe); return why; }
        links.get(place.probe)?.push(made);
      }
      return null;
    },
  };
}
