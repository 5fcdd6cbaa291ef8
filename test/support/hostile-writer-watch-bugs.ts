/** Watches and look-outs with one bug each, which the judge must find. */
import { type FSWatcher, watch } from 'node:fs';
import type { FolderWatch, WatchListener } from '../../src/adapters/folder-watch.ts';
import { createLookOut } from '../../src/work/look-out.ts';
import { AS_IT_IS, type Watching } from './hostile-writer-watched.ts';

export const PLANTED_WATCH_BUGS: Readonly<Record<string, Watching>> = {
  'watches the folder that was there at the start': { ...AS_IT_IS, watch: watchOnce },
  'takes no hint during a look': {
    ...AS_IT_IS,
    createLookOut: (options) => {
      let isLooking = false;
      const lookOut = createLookOut({
        ...options,
        look: async () => {
          isLooking = true;
          await options.look();
          isLooking = false;
        },
      });
      const hint = () => {
        if (!isLooking) lookOut.hint();
      };
      return { ...lookOut, hint };
    },
  },
};

function watchOnce(paths: readonly string[], { onHint }: WatchListener): FolderWatch {
  const watchers = paths.flatMap((path) => watcherOf(path, onHint) ?? []);
  const close = () => {
    for (const watcher of watchers) watcher.close();
  };
  return { rearm: () => {}, close };
}

function watcherOf(path: string, onHint: () => void): FSWatcher | undefined {
  try {
    return watch(path, onHint).on('error', () => undefined);
  } catch {
    return undefined;
  }
}
