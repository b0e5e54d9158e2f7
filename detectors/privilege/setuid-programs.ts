import type { Process } from '../../agent/contract/process.ts';
import { nameOf } from '../context/wording.ts';

/** Programs of the system that are meant to run with more rights than who starts them. */
const names = new Set([
  'sudo', 'su', 'doas', 'pkexec', 'runuser', 'passwd', 'chsh', 'chfn', 'newgrp', 'gpasswd', 'mount', 'umount', 'fusermount', 'fusermount3', 'ping', 'crontab', 'at', 'ssh-keysign',
  'unix_chkpwd', 'newuidmap', 'newgidmap', 'polkit-agent-helper-1', 'dbus-daemon-launch-helper', 'chrome-sandbox', 'bwrap', 'snap-confine',
]);
const folders = /^\/(usr\/)?(s?bin|lib|libexec)\/\S+$/;

/** Only where the system keeps them: a copy elsewhere is none. */
export const isSetuidProgram = ({ executable: { path } }: Process): boolean =>
  folders.test(path) && !path.includes('/../') && names.has(nameOf(path));
