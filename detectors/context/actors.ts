import type { Process, ProcessRef } from '../../agent/contract/process.ts';
import { keyOf } from './keys.ts';
import { programOf } from './programs.ts';
import { who } from './wording.ts';

/** What is worth keeping of a process that wrote or loaded something: few hundred bytes, whatever its arguments are. */
export interface Actor extends ProcessRef {
  readonly uid: number;
  /** Stands for its executable and script. */
  readonly program: string;
  readonly label: string;
}

export const actorOf = (process: Process): Actor =>
  ({ pid: process.pid, startTicks: process.startTicks, uid: process.uid, program: keyOf(programOf(process)), label: who(process) });

/** Another run, or another process, of the same service of the same user. */
export const isSameService = (a: Actor, b: Actor): boolean => a.uid === b.uid && a.program === b.program;
