import type { Blindness } from './blindness.ts';
import type { FolderWatch } from './folder-watch.ts';
import type { Folder } from './ledger.ts';
import { textOf } from './raw-path.ts';

export interface NoticesOptions {
  readonly watch: FolderWatch;
  readonly blindness: Blindness;
  readonly forcePoll: boolean;
  /** Folders beyond are polled. */
  readonly maxWatches: number;
}

/** Which folders notices come from; of each that none come from, why is said. */
export interface Notices {
  /** Sets `folder.watch` if that can be. To be tried again now and then: a limit may have been raised. */
  subscribe(folder: Folder): void;
  unsubscribe(folder: Folder): void;
}

export function createNotices({ watch, blindness, forcePoll, maxWatches }: NoticesOptions): Notices {
  let count = 0;
  return {
    subscribe: folder => {
      if (folder.watch || !folder.isNotified) return;
      if (forcePoll) return blindness.add('forced', folder.root);
      if (count >= maxWatches) return blindness.add('tooManyFolders', folder.root);
      const text = textOf(folder.path);
      if (text === null) return blindness.add('unnamed', folder.path);
      const opened = watch.open(text);
      if ('problem' in opened) {
        // A folder that is gone is closed by whoever looks at it next.
        if (opened.problem !== 'gone') blindness.add(opened.problem, folder.path);
        return;
      }
      folder.watch = opened;
      count++;
      for (const cause of ['watches', 'instances', 'refused', 'tooManyFolders'] as const) blindness.remove(cause, folder.path);
    },
    unsubscribe: folder => {
      if (!folder.watch) return;
      folder.watch.close();
      folder.watch = null;
      count--;
    },
  };
}
