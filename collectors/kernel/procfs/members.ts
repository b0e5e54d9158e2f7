/** The processes that have MXNet, and who wants to hear of them. */
import type { LoaderSettings, ProcessExited } from '../../../agent/contract/event.ts';
import type { Process } from '../../../agent/contract/process.ts';
import type { CensusListener, MappedCode, MappedLibrary, Member } from './member.ts';

export interface Members {
  readonly all: ReadonlyMap<number, Member>;
  /** A library found in this process; `process` replaces what was known of it. `anew`: it runs another program, whose first library this is. */
  add(process: Process, library: MappedLibrary, settings: LoaderSettings, anew: boolean): void;
  extend(pid: number, code: MappedCode): void;
  end(pid: number, status: ProcessExited['status']): void;
  noteLoad(pid: number): void;
  join(listener: CensusListener): Disposable;
}

/** `onError`: a listener threw, which is a bug of the listener and must not end the poll for the others. */
export function createMembers(onError: (error: Error) => void): Members {
  const all = new Map<number, Member>();
  const listeners = new Set<CensusListener>();
  const tell = (call: (listener: CensusListener) => void, to: Iterable<CensusListener> = [...listeners]): void => {
    for (const listener of to) {
      try { call(listener); } catch (error) { onError(error instanceof Error ? error : new Error(String(error))); }
    }
  };
  return {
    all,
    add(process, library, settings, anew) {
      const before = anew ? undefined : all.get(process.pid);
      const member: Member = { process, libraries: [...before?.libraries ?? [], library], settings: before?.settings ?? settings };
      all.set(process.pid, member);
      tell(listener => listener.mapped?.(member, library));
    },
    extend(pid, code) {
      const member = all.get(pid);
      if (member !== undefined) tell(listener => listener.extended?.(member.process, code));
    },
    end(pid, status) {
      const member = all.get(pid);
      if (member === undefined) return;
      all.delete(pid);
      tell(listener => listener.gone?.({ pid, startTicks: member.process.startTicks }, status));
    },
    noteLoad(pid) { if (all.has(pid)) tell(listener => listener.loaded?.(pid)); },
    join(listener) {
      listeners.add(listener);
      for (const member of [...all.values()]) for (const library of member.libraries) tell(each => each.mapped?.(member, library), [listener]);
      return { [Symbol.dispose]() { listeners.delete(listener); } };
    },
  };
}
