/* What only programs in the kernel see, in the words of the contract. */
import type { CredentialsChanged, Draft, KernelUsed, MemoryProtected, ProcessTraced } from '../../../agent/contract/event.ts';
import type { Process, ProcessRef } from '../../../agent/contract/process.ts';
import { readText } from '../../../agent/contract/text.ts';
import type { Notice } from './account.ts';
import { means, namespaces, uses } from './table.ts';

const [protWrite, vmWrite] = [2, 2];
const mapped = { new: 1, unknown: 2 } as const;
const mostNameBytes = 64;

const capabilityNames = `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE
  SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM
  BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`.split(/\s+/);
const capabilityName = (number: number): string => `CAP_${capabilityNames[number] ?? number}`;
const capabilitiesIn = (bits: bigint): string[] => Array.from({ length: 64 }, (_, number) => number).filter(number => (bits >> BigInt(number)) & 1n).map(capabilityName);

const meansNames: Readonly<Record<number, ProcessTraced['means']>> = { [means.attach]: 'attach', [means.traceme]: 'traceme', [means.read]: 'read', [means.write]: 'write', [means.file]: 'memory' };
const useNames: Readonly<Record<number, KernelUsed['interface']>> = {
  [uses.memfd]: 'memfd', [uses['io-uring']]: 'io_uring', [uses.bpf]: 'bpf', [uses.perf]: 'perf', [uses.module]: 'module', [uses.mount]: 'mount', [uses.capability]: 'capability',
};

/** Null for a number that the table does not have. */
export function noticeDraft(record: Notice, at: number, process: Process, tree: ProcessRef): Draft | null {
  const who = { at, process, tree };
  switch (record.type) {
    case 'credentials': return {
      kind: 'credentials.changed', ...who, uid: { before: record.uidBefore, after: record.uidAfter },
      gained: capabilitiesIn(record.capsAfter & ~record.capsBefore), dropped: capabilitiesIn(record.capsBefore & ~record.capsAfter),
    } satisfies Omit<CredentialsChanged, 'id' | 'collector'>;
    case 'namespaces': {
      const kinds = Object.entries(namespaces).filter(([, bit]) => (record.changed & bit) !== 0).map(([name]) => name);
      return { kind: 'kernel.used', ...who, interface: 'namespace', detail: kinds.join(', '), allowed: true };
    }
    case 'protected': return protectedDraft(record, who);
    case 'traced': {
      const name = meansNames[record.means];
      const target = record.targetStart === 0n ? null : { pid: record.target, startTicks: Number(record.targetStart / 10_000_000n) };
      return name === undefined ? null : { kind: 'process.traced', ...who, means: name, target };
    }
    case 'used': {
      const name = useNames[record.what];
      if (name === undefined) return null;
      const end = record.text.indexOf(0);
      const text = readText(record.text.subarray(0, end === -1 ? mostNameBytes : end), mostNameBytes);
      return { kind: 'kernel.used', ...who, interface: name, detail: record.what === uses.capability ? capabilityName(record.number) : text, allowed: record.what === uses.capability ? record.flags !== 0n : null };
    }
    default: return record satisfies never;
  }
}

function protectedDraft(record: Extract<Notice, { type: 'protected' }>, who: { readonly at: number; readonly process: Process; readonly tree: ProcessRef }): Omit<MemoryProtected, 'id' | 'collector'> {
  const isUnknown = record.mapped === mapped.unknown;
  const backing = isUnknown ? null : record.inode === 0n ? 'anonymous' : record.links === 0 ? 'unlinked' : 'file';
  return {
    kind: 'memory.protected', ...who, change: record.mapped === mapped.new ? 'mapped' : 'protected', backing,
    writable: (record.protection & protWrite) !== 0, wasWritable: isUnknown || record.mapped === mapped.new ? null : (Number(record.flags & 0xffn) & vmWrite) !== 0,
    bytes: record.bytes === 0n ? null : Number(record.bytes),
  };
}
