import type { Severity } from '../../agent/contract/finding.ts';

/** A file by which a process leaves its container, or takes hold of the kernel. */
export interface WayOut {
  readonly rule: string;
  /** Goes on after `opened`. */
  readonly what: string;
  readonly severity: Severity;
  readonly techniques: readonly string[];
}

const way = (rule: string, what: string, severity: Severity, ...techniques: readonly string[]): WayOut => ({ rule, what, severity, techniques: [...techniques, 'AML.T0105'] });

const ways: readonly (readonly [RegExp, WayOut])[] = [
  [/^\/(var\/)?run\/(docker|podman\/podman|containerd\/containerd|crio\/crio|cri-dockerd|dockershim|k3s\/containerd\/containerd|buildkit\/buildkitd|lxd\/unix|user\/\d+\/(docker|podman\/podman))\.(sock|socket)$/, way('escape.container-socket', 'the socket by which containers are commanded,', 'critical', 'T1611', 'T1609')],
  [/\/(release_agent|notify_on_release|devices\.allow|cgroup\.(procs|freeze|kill|subtree_control))$/, way('escape.cgroup', 'a file of the control groups', 'high', 'T1611')],
  [/^\/proc\/sys\/kernel\/(core_pattern|modprobe|hotplug|poweroff_cmd|usermodehelper\/\w+)$|^\/sys\/kernel\/uevent_helper$|^\/proc\/sys\/fs\/binfmt_misc\/register$/, way('escape.kernel-helper', 'a setting that names a program for the kernel to run as root on the host,', 'critical', 'T1611')],
  [/^\/proc\/sys\/(kernel|vm|fs)\/|^\/proc\/sysrq-trigger$|^\/sys\/kernel\/(security|mm|livepatch|kexec\w*)\//, way('escape.kernel-setting', 'a setting of the kernel', 'medium', 'T1611', 'T1562.001')],
  [/^\/dev\/(mem|kmem|port)$|^\/proc\/k(core|pagecount|pageflags)$|^\/sys\/firmware\/|^\/dev\/nvram$/, way('escape.machine-memory', 'the memory of the machine itself,', 'critical', 'T1611', 'T1005')],
  [/^\/dev\/(sd[a-z]+\d*|vd[a-z]+\d*|xvd[a-z]+\d*|nvme\d+n\d+(p\d+)?|mmcblk\d+(p\d+)?|dm-\d+|mapper\/.+|md\d+|loop\d+|nbd\d+|disk\/.+|block\/.+|mtd\d+)$/, way('escape.block-device', 'a disk below its file systems,', 'high', 'T1611', 'T1005')],
  [/^\/proc\/1\/(root|ns|cwd)(\/|$)|^\/proc\/\d+\/ns\//, way('escape.host-root', 'the root folder or the namespaces of the host', 'high', 'T1611')],
];

/** Null for a path that leads nowhere. */
export const wayOut = (path: string): WayOut | null => ways.find(([pattern]) => pattern.test(path))?.[1] ?? null;

/** What is read in ordinary work, such as the limits of a control group: only who writes there leads somewhere. */
export const isOnlyWritten = ({ rule }: WayOut): boolean => rule === 'escape.cgroup' || rule === 'escape.kernel-setting' || rule === 'escape.kernel-helper';
