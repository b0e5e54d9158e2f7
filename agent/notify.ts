import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Log } from './contract/component.ts';

const child = fileURLToPath(new URL('./notify-child.ts', import.meta.url));

/**
 * Tells the service manager, sd_notify(3), when it asked for it by NOTIFY_SOCKET. Node has no datagram unix sockets, so
 * a child of one send does it; the unit needs NotifyAccess=all. Not being able to is logged and nothing else.
 */
export function notify(state: 'READY=1' | 'STOPPING=1', log: Log): void {
  const socket = process.env.NOTIFY_SOCKET;
  if (!socket) return;
  const sender = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, socket, `${state}\nMAINPID=${process.pid}`], { stdio: ['ignore', 'ignore', 'pipe'], timeout: 5_000 });
  let complaint = '';
  sender.stderr.setEncoding('utf8').on('data', (text: string) => { complaint = (complaint + text).slice(0, 500); });
  sender.on('error', error => log.warn('the service manager could not be told', { state, error }));
  sender.on('exit', code => { if (code !== 0) log.warn('the service manager could not be told', { state, code, complaint }); });
}
