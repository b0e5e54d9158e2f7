import { readdirSync, readFileSync } from 'node:fs';
import koffi from 'koffi';

export interface Held { readonly programs: readonly number[]; readonly links: readonly number[]; readonly maps: readonly number[] }

/** Numbers of what a process holds in the kernel, from its descriptors. */
export function heldBy(pid: number): Held {
  const text = readdirSync(`/proc/${pid}/fdinfo`).map(fd => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1')).join('\n');
  const all = (name: string): number[] => [...text.matchAll(new RegExp(`^${name}:\\s*(\\d+)$`, 'gm'))].map(found => Number(found[1]));
  return { programs: [...new Set(all('prog_id'))], links: all('link_id'), maps: all('map_id') };
}

/** Those of them that the kernel still has. */
export function stillThere({ programs, links, maps }: Held): Held {
  const library = koffi.load('libbpf.so.1');
  const close = koffi.load('libc.so.6').func('int close(int)');
  const has = (kind: string) => {
    const open = library.func(`int bpf_${kind}_get_fd_by_id(uint32_t)`);
    return (id: number): boolean => { const fd = open(id) as number; if (fd >= 0) close(fd); return fd >= 0; };
  };
  return { programs: programs.filter(has('prog')), links: links.filter(has('link')), maps: maps.filter(has('map')) };
}
