/*
 * libbpf.so.1 and the few calls of libc that go with it. Only ever loaded in the sensor process: a wrong signature here
 * does not throw, it crashes.
 */
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { UnavailableError } from '../../../agent/contract/errors.ts';

export type Handle = object | null;

const libc = koffi.load('libc.so.6');
const mmap = libc.func('void *mmap(void *, size_t, int, int, int, int64_t)');
const sysconf = libc.func('long sysconf(int)');
const epollCreate = libc.func('int epoll_create1(int)');
const epollControl = libc.func('int epoll_ctl(int, int, int, void *)');
const epollWait = libc.func('int epoll_wait(int, void *, int, int)');
const [protRead, protWrite, mapSharedFlag, pageSize, cloexec, epollAdd, epollIn] = [1, 2, 1, 30, 0o2000000, 1, 1];

export const errnoName = (errno: number): string => { try { return getSystemErrorName(-errno); } catch { return `errno ${errno}`; } }; // a number that Node has no name for
export const pageBytes = (): number => sysconf(pageSize) as number;

/** Throws what mmap(2) says. */
export function mapShared(descriptor: number, bytes: number, offset: number, writable: boolean): Buffer {
  const place = mmap(null, bytes, protRead | (writable ? protWrite : 0), mapSharedFlag, descriptor, offset) as unknown;
  if (koffi.address(place) === 0xffff_ffff_ffff_ffffn) throw new Error(`mmap of a ring: ${errnoName(koffi.errno())}`);
  return Buffer.from(koffi.view(place, bytes));
}
export const int64Of = (bytes: Buffer): BigInt64Array => new BigInt64Array(bytes.buffer, bytes.byteOffset, 1);

/** Resolves when one of the descriptors can be read, or after `timeoutMs`. The wait takes one thread of the pool. */
export function createWait(descriptors: readonly number[]): (timeoutMs: number) => Promise<void> {
  const poll = epollCreate(cloexec) as number;
  if (poll < 0) throw new Error(`epoll_create1: ${errnoName(koffi.errno())}`);
  const packed = process.arch === 'x64'; // struct epoll_event is packed there, epoll_ctl(2)
  for (const descriptor of descriptors) {
    const event = Buffer.alloc(16);
    event.writeUInt32LE(epollIn, 0);
    event.writeUInt32LE(descriptor, packed ? 4 : 8);
    if (epollControl(poll, epollAdd, descriptor, event) !== 0) throw new Error(`epoll_ctl: ${errnoName(koffi.errno())}`);
  }
  const events = Buffer.alloc(16 * descriptors.length);
  return timeoutMs => new Promise((resolve, reject) => {
    epollWait.async(poll, events, descriptors.length, timeoutMs, (error: Error | null) => { if (error === null) resolve(); else reject(error); });
  });
}

/** Throws UnavailableError where there is no libbpf.so.1. */
export function loadLibbpf() {
  let library: ReturnType<typeof koffi.load>;
  try { library = koffi.load('libbpf.so.1'); } catch (error) {
    throw new UnavailableError('libbpf.so.1 is missing: apt-get install libbpf1', { cause: error });
  }
  const func = (prototype: string) => library.func(prototype);
  const setPrint = func('void *libbpf_set_print(void *)');
  setPrint(null); // it would write to the descriptor of our errors
  koffi.struct('uprobe_opts', { sz: 'size_t', ref_ctr_offset: 'size_t', bpf_cookie: 'uint64_t', retprobe: 'bool', func_name: 'const char *' });
  return {
    openFile: func('void *bpf_object__open_file(const char *, void *)') as (path: string, options: null) => Handle,
    load: func('int bpf_object__load(void *)') as (object: Handle) => number,
    close: func('void bpf_object__close(void *)') as (object: Handle) => void,
    nextProgram: func('void *bpf_object__next_program(void *, void *)') as (object: Handle, after: Handle) => Handle,
    programName: func('const char *bpf_program__name(void *)') as (program: Handle) => string,
    sectionName: func('const char *bpf_program__section_name(void *)') as (program: Handle) => string,
    setAutoload: func('int bpf_program__set_autoload(void *, bool)') as (program: Handle, on: boolean) => number,
    attach: func('void *bpf_program__attach(void *)') as (program: Handle) => Handle,
    attachCgroup: func('void *bpf_program__attach_cgroup(void *, int)') as (program: Handle, descriptor: number) => Handle,
    attachUprobe: func('void *bpf_program__attach_uprobe_opts(void *, int, const char *, size_t, uprobe_opts *)') as
      (program: Handle, pid: number, path: string, offset: bigint, options: object) => Handle,
    destroyLink: func('int bpf_link__destroy(void *)') as (link: Handle) => number,
    findMap: func('void *bpf_object__find_map_by_name(void *, const char *)') as (object: Handle, name: string) => Handle,
    mapDescriptor: func('int bpf_map__fd(void *)') as (map: Handle) => number,
    setEntries: func('int bpf_map__set_max_entries(void *, uint32_t)') as (map: Handle, count: number) => number,
    lookup: func('int bpf_map_lookup_elem(int, const void *, void *)') as (map: number, key: Buffer, value: Buffer) => number,
    update: func('int bpf_map_update_elem(int, const void *, const void *, uint64_t)') as (map: number, key: Buffer, value: Buffer, flags: number) => number,
    remove: func('int bpf_map_delete_elem(int, const void *)') as (map: number, key: Buffer) => number,
    nextKey: func('int bpf_map_get_next_key(int, const void *, void *)') as (map: number, before: Buffer | null, key: Buffer) => number,
    errno: () => koffi.errno() as number,
    /** For the trials: something of libc to be probed, and what makes a record of each kind. */
    libc,
  };
}
export type Libbpf = ReturnType<typeof loadLibbpf>;
/** `sz` in options: what libbpf 1.1 knows of the struct; a later one takes the rest as zero. */
export const uprobeOptionBytes = 40;
