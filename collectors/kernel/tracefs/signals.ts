import { constants } from 'node:os';

/** Numbers above the classic 31 are real-time signals: their name is their number. */
const names = new Map(Object.entries(constants.signals).reverse().map(([name, number]) => [number, name] as const)); // the first of two names stays
export const signalName = (number: number): string => names.get(number) ?? `SIG${number}`;

const of = (...list: readonly (keyof typeof constants.signals)[]): ReadonlySet<number> => new Set(list.map(name => constants.signals[name]));

/** A process that handles these still ends of them as a rule: the wheel prints a stack and calls exit(). */
const endingEvenHandled = of(
  'SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGFPE', 'SIGILL', 'SIGSYS', 'SIGTRAP', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGKILL',
);
const harmlessByDefault = of('SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU');

/** Whether a delivered signal may be why a process ended (signal(7)). */
export const isEnding = (signal: number, byDefault: boolean): boolean =>
  endingEvenHandled.has(signal) || (byDefault && !harmlessByDefault.has(signal));
export const killSignal = constants.signals.SIGKILL;

const core: ReadonlySet<string> = new Set(['SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGXCPU', 'SIGXFSZ', 'SIGSYS']);
/** Whether this signal's default is to end the process with a core dump (signal(7)). */
export const dumpsCore = (name: string): boolean => core.has(name);
