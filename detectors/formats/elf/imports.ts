import type { Severity } from '../../../agent/contract/finding.ts';

/** What a library can do with functions it asks for. `operator`: how grave that is in an operator library, which only computes. */
export interface Family {
  readonly rule: string;
  readonly what: string;
  readonly plain: Severity;
  readonly operator: Severity;
  readonly techniques: readonly string[];
  readonly names: ReadonlySet<string>;
}

const family = (rule: string, what: string, plain: Severity, operator: Severity, techniques: readonly string[], names: string): Family =>
  ({ rule, what, plain, operator, techniques, names: new Set(names.split(' ')) });

/** By name in glibc and musl, as their manual pages in section 2 and 3 have them. */
export const families: readonly Family[] = [
  family('import-execution', 'starts programs', 'info', 'medium', ['T1059.004', 'T1129'],
    'system popen execl execle execlp execv execve execvp execvpe execveat fexecve posix_spawn posix_spawnp wordexp fork vfork _Fork clone clone3 forkpty daemon'),
  family('import-network', 'speaks to the network', 'info', 'medium', ['T1071', 'T1129'],
    'socket connect bind listen accept accept4 sendto sendmsg recvfrom getaddrinfo gethostbyname gethostbyname2 gethostbyname_r res_query curl_easy_init curl_easy_perform SSL_connect'),
  family('import-loading', 'loads other code', 'info', 'low', ['T1129', 'T1620'], 'dlopen dlmopen __libc_dlopen_mode'),
  family('import-memory', 'makes memory executable or a program of memory', 'info', 'medium', ['T1620'], 'mprotect pkey_mprotect memfd_create mremap remap_file_pages'),
  family('import-injection', 'reads and changes other processes', 'low', 'high', ['T1055.008'], 'ptrace process_vm_readv process_vm_writev pidfd_getfd pidfd_open'),
  family('import-privilege', 'changes identity, limits or name of the process', 'info', 'medium', ['T1548.001'],
    'setuid setgid seteuid setegid setreuid setregid setresuid setresgid setgroups capset cap_set_proc prctl unshare setns chroot pivot_root mount umount umount2'),
  family('import-kernel', 'speaks to the kernel where few programs do', 'low', 'high', ['T1014'],
    'bpf bpf_prog_load init_module finit_module delete_module create_module kexec_load kexec_file_load io_uring_setup io_uring_enter io_uring_queue_init perf_event_open userfaultfd'),
  family('import-system-call', 'makes system calls by number, which can be any of these', 'info', 'low', ['T1106'], 'syscall'),
];

const owners: ReadonlyMap<string, Family> = new Map(families.flatMap(each => [...each.names].map(name => [name, each] as const)));
export const familyOf = (name: string): Family | undefined => owners.get(name);
