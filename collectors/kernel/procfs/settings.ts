/** What a process was told about the libraries to load. Only these values are ever kept of an environment, which may hold secrets. */
import { constants } from 'node:fs';
import type { LoaderSettings } from '../../../agent/contract/event.ts';
import { clip, latin1, parseEnvironment, showBytes } from './parse.ts';
import { asPath, isDenied, isGone, readRegular } from './read.ts';
import { tryRead } from './status.ts';
import { type View, walk } from './view.ts';

const variables = ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'MXNET_LIBRARY_PATH', 'DMLC_ROLE'] as const;
const most = { environmentBytes: 1 << 20, preloadBytes: 65_536, entries: 64, text: 1_024 };

/** Values as byte text, as they were when the program started; `cut`: a part was not read. */
export interface Environment { readonly values: ReadonlyMap<string, string>; readonly cut: boolean }

/** Null when it may not be read. */
export const environmentOf = (view: View): Environment | null =>
  tryRead(`${view.folder}/environ`, most.environmentBytes, ({ bytes, cut }) => ({ values: parseEnvironment(bytes, variables), cut }));

export function settingsOf(view: View, environment: Environment | null): LoaderSettings {
  const value = (name: typeof variables[number]): string | null => environment?.values.get(name) ?? null;
  const shown = (text: string | null): string | null => text === null ? null : show(text);
  return {
    environment: environment === null ? null : {
      preload: listOf(value('LD_PRELOAD'), /[:\s]+/).filter(entry => entry !== ''), libraryPath: listOf(value('LD_LIBRARY_PATH'), /[:;]/),
      mxnetLibraryPath: shown(value('MXNET_LIBRARY_PATH')), role: shown(value('DMLC_ROLE')),
    },
    preloadFile: preloadFileOf(view),
  };
}

/** As ld.so parts its lists (ld.so(8)); the entries beyond 64 are counted by the last. */
function listOf(value: string | null, separator: RegExp): string[] {
  if (value === null || value === '') return [];
  const all = value.split(separator);
  return all.length <= most.entries ? all.map(show) : [...all.slice(0, most.entries - 1).map(show), `… ${all.length - most.entries + 1} more`];
}

const show = (byteText: string): string => clip(showBytes(byteText, most.text), most.text);

/**
 * Words of /etc/ld.so.preload below the root of the process, less its comments. Empty when there is none, or it may not be
 * read. Links are followed as the process would, never into the agent's own root: a container must not choose what is told.
 */
function preloadFileOf(view: View): string[] {
  const path = walk(view, '/etc/ld.so.preload')?.open;
  if (path === undefined) return [];
  try {
    const text = readRegular(asPath(path), most.preloadBytes, constants.O_NOFOLLOW)?.bytes;
    return text === undefined ? [] : listOf(latin1(text, 0, text.length).replace(/#[^\n]*/g, '').trim(), /[:\s]+/).filter(entry => entry !== '');
  } catch (error) { if (isGone(error) || isDenied(error)) return []; throw error; }
}
