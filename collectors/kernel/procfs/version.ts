/** Which MXNet a library belongs to, as the package around it says. Nothing is loaded, nothing is believed: text from a file, escaped. */
import { constants, opendirSync } from 'node:fs';
import { escapeText } from '../../../agent/contract/text.ts';
import { asPath, isDenied, isGone, readRegular } from './read.ts';

const mostBytes = 65_536;
const mostEntries = 10_000;

/** `library`: byte text the agent can open. Null when no package beside it says. */
export function versionBeside(library: string): string | null {
  const folder = library.slice(0, library.lastIndexOf('/'));
  const above = folder.slice(0, folder.lastIndexOf('/'));
  return ofLibinfo(textOf(`${folder}/libinfo.py`)) ?? (folder.endsWith('/mxnet') ? ofMetadata(above) : null)
    ?? ofFolder(folder) ?? ofHeader(folder.endsWith('/mxnet/libs') ? textOf(`${above}/DESCRIPTION`) : '');
}

/** The last assignment counts: nightly builds assign twice. */
export function ofLibinfo(text: string): string | null {
  let version: string | null = null;
  for (const found of text.matchAll(/^__version__\s{0,8}=\s{0,8}(["'])([^"'\n]{1,64})\1/gm)) version = found[2] ?? null;
  return version === null ? null : escapeText(version);
}

/** METADATA of a distribution `mxnet` or `mxnet_cu…`, below the folder of all packages. */
function ofMetadata(packages: string): string | null {
  try {
    using folder = opendirSync(asPath(packages), { encoding: 'latin1' });
    for (let count = 0; count < mostEntries; count++) {
      const entry = folder.readSync();
      if (entry === null) break;
      if (/^mxnet(?:_[a-z0-9]{1,16})?-[^/]{1,64}\.dist-info$/.test(entry.name)) return ofHeader(textOf(`${packages}/${entry.name}/METADATA`));
    }
  } catch (error) { if (!isGone(error) && !isDenied(error)) throw error; }
  return null;
}

/** The line `Version: 1.9.1` of METADATA, and of DESCRIPTION in R. */
function ofHeader(text: string): string | null {
  const version = /^Version: (.{1,64})$/m.exec(text)?.[1];
  return version === undefined ? null : escapeText(version);
}

/** DJL's cache: mxnet/VERSION-FLAVOR-CLASSIFIER. */
function ofFolder(folder: string): string | null {
  const version = /\/mxnet\/(\d{1,4}(?:\.[0-9a-z]{1,8}){1,3})-[^/]+$/.exec(folder)?.[1];
  return version ?? null;
}

function textOf(path: string): string {
  try { return readRegular(asPath(path), mostBytes, constants.O_NOFOLLOW)?.bytes.toString() ?? ''; } catch (error) {
    if (isGone(error) || isDenied(error)) return '';
    throw error;
  }
}
