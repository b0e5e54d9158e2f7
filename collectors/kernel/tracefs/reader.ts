/*
 * The reader process: reads the ring buffers of our instances, and nothing else.
 *
 * Owns the descriptors of trace_pipe_raw. Must not own: instances, probes (the agent makes and removes them), or any
 * judgement. Hands over records, in the order read, on descriptor 3.
 *
 * A process of its own, because a blocking read stays in the thread pool and would hold the agent's exit for ever: this
 * one is only ever ended by SIGKILL, which it gives itself when the agent is gone.
 */
import { flushCompileCache } from 'node:module';
import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { createChannels } from './channel.ts';
import { createFollow, type Follow } from './follow.ts';
import { createPeeks } from './peek.ts';
import { createTranslation } from './translate.ts';
import { type Command, encode, type Purpose, type ReaderSetup, receive, type Reply } from './wire.ts';

const mostUnsent = 8 << 20;
const setup = JSON.parse(process.argv[2] ?? '') as ReaderSetup;
const socket = new Socket({ fd: 3, readable: true, writable: true });
const dropped = new Map<Purpose, number>();
Error.stackTraceLimit = 2;
// It sleeps almost always, and what it wakes up for may be gone in half a millisecond. Threads made later inherit this.
try { setPriority(-15); } catch (error) { setTimeout(() => trouble(`no higher priority: ${String(error)}`)); }

const end = (): never => { process.kill(process.pid, 'SIGKILL'); throw new Error('unreachable'); };
socket.on('close', end).on('error', end).on('end', end);
process.on('SIGUSR2', () => { /* The self-test of the tree instance: its delivery is what we want to see. */ });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { /* The agent stops us: it may still need what we read. */ });

/** Never waits: what the agent does not take in time is dropped and counted. */
function send(purpose: Purpose, replies: readonly Reply[]): void {
  if (replies.length === 0) return;
  if (socket.writableLength > mostUnsent) { dropped.set(purpose, (dropped.get(purpose) ?? 0) + replies.length); return; }
  for (const [of, count] of dropped) socket.write(encode({ kind: 'lost', purpose: of, where: 'collector', count }));
  dropped.clear();
  socket.write(replies.map(encode).join(''));
}
const say = (reply: Reply): void => send('tree', [reply]);
const trouble = (text: string): void => say({ kind: 'trouble', text });

const follow: Follow = createFollow({ proc: setup.proc, report: (root, members) => say({ kind: 'followed', root, members }), trouble });
const translation = createTranslation({ proc: setup.proc, self: process.pid, architecture: process.arch, peeks: createPeeks(trouble), follow, send });
const channels = createChannels({ sys: setup.sys, seats: setup.seats, translation, send, trouble });

setTimeout(flushCompileCache, 1_000); // It never ends in order, which is when it would be written otherwise.

receive<Command>(socket, command => {
  switch (command.do) {
    case 'read': void read(command).catch(error => trouble(`${command.purpose}: ${String(error)}`)); break;
    case 'learn': translation.learn(command.purpose, command.layouts); say({ kind: 'done', id: command.id }); break;
    case 'follow': follow.add(command.pid); break;
    case 'answer': say({ kind: 'done', id: command.id }); break;
    default: command satisfies never;
  }
});

async function read(command: Extract<Command, { do: 'read' }>): Promise<void> {
  translation.learn(command.purpose, command.layouts);
  const { folder, pageBytes, events } = command.instance;
  if (command.purpose !== 'api') await follow.also({ pids: `${folder}/set_event_pid`, events });
  channels.open(command.purpose, folder, pageBytes);
}
