/*
 * The sensor does itself, once, what it is there to see: what merely loads and attaches is not believed. It also shows
 * that the process ids in records are those of our /proc.
 */
import { readFileSync } from 'node:fs';
import { symbolOffsets } from '../elf.ts';
import type { BpfRecord, RecordOf } from './decode.ts';
import type { Libbpf } from './library.ts';
import type { Probing } from './probing.ts';
import { uses } from './table.ts';

/** Of a function of libc that nobody calls any more. */
const [functionName, probe, word] = ['a64l', 0xffff_ffff, 'mxwarden'];
const [inet, stream, datagram, discard, nonBlocking] = [2, 1, 2, 9, 0o4000];
const [readable, executable, anonymous] = [1, 4, 0x22]; // PROT_READ, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS

/** Acts; what it did is in the rings when it returns. Null, or why the probe could not be placed. */
export function act({ libc }: Libbpf, proc: string, probing: Probing): string | null {
  const call = <Result>(prototype: string, ...values: unknown[]): Result => libc.func(prototype)(...values) as Result;
  const path = /^[0-9a-f].*? (\/\S*\/libc\.so\.6)$/m.exec(readFileSync(`${proc}/self/maps`, 'latin1'))?.[1];
  const offset = path === undefined ? undefined : symbolOffsets(path, [functionName]).get(functionName);
  if (path === undefined || offset === undefined) return 'the C library has no such function';
  const refused = probing.attach(path, { probe, offset: String(offset), named: true, paired: true });
  if (refused !== null) return refused;
  call(`long ${functionName}(const char *)`, word);
  probing.detach(probe);

  call('int system(const char *)', ':');
  const socket = (type: number): number => call('int socket(int, int, int)', inet, type, 0);
  const [one, two, three] = [socket(datagram), socket(stream | nonBlocking), socket(stream)];
  // Nobody need be there: discard (RFC 863) on our own machine.
  const to = Buffer.from([inet, 0, 0, discard, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  call('long sendto(int, const void *, size_t, int, const void *, unsigned int)', one, to, 1, 0, to, to.length);
  call('int connect(int, const void *, unsigned int)', two, to, to.length);
  call('int listen(int, int)', three, 1);
  makeExecutable({ libc });
  const file: number = call('int memfd_create(const char *, unsigned int)', word, 0);
  for (const each of [one, two, three, file]) if (each >= 0) call('int close(int)', each);
  return null;
}

/** A page of its own memory, for a moment. */
export function makeExecutable({ libc }: Pick<Libbpf, 'libc'>): void {
  const page = libc.func('void *mmap(void *, size_t, int, int, int, int64_t)')(null, 4_096, readable, anonymous, -1, 0) as object;
  libc.func('int mprotect(void *, size_t, int)')(page, 4_096, readable | executable);
  libc.func('int munmap(void *, size_t)')(page, 4_096);
}

const saw = (records: readonly BpfRecord[], fits: (record: BpfRecord) => boolean): boolean => records.some(fits);
const calls = (record: BpfRecord): record is RecordOf<'entered'> => record.type === 'entered' && record.probe === probe && record.text.toString('latin1', 0, word.length) === word;

/** What each fact leaves in the rings, or among the sums, when it is seen. */
export function isSeen(fact: string, self: number, records: readonly BpfRecord[], moved: readonly (readonly number[])[]): boolean {
  const own = records.filter(record => record.root.pid === self);
  switch (fact) {
    case 'forks': return saw(own, record => record.type === 'forked' && record.parent.pid === self);
    case 'executed programs': return saw(own, record => record.type === 'executed' && record.parent.pid === self);
    case 'ends of processes': return saw(own, record => record.type === 'exited' && record.parent.pid === self && record.status === 0);
    case 'calls into libmxnet': return saw(own, calls) && saw(own, record => record.type === 'returned' && record.probe === probe);
    case 'connections': return saw(own, record => record.type === 'connected' && record.listens === 0 && record.port === discard);
    case 'datagrams': return saw(own, record => record.type === 'addressed' && record.port === discard);
    case 'listeners': return saw(own, record => record.type === 'connected' && record.listens === 1);
    case 'bytes sent and received': return moved.some(([pid, sent]) => pid === self && (sent ?? 0) > 0);
    case 'memory made executable': return saw(own, record => record.type === 'protected' && record.mapped !== 1);
    case 'memory files': return saw(own, record => record.type === 'used' && record.what === uses.memfd);
    // Not acted out here: a test does.
    default: return true;
  }
}
