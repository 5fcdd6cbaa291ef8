/** How a hostile writer comes to rest with a good set, and what must be true from then on. */
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './broken-rule.ts';
import { type Calls, type FreshName, publish, setMode, write } from './hostile-writer-calls.ts';
import {
  currentLinkOf,
  goodFiles,
  type HostileFolder,
  namesIn,
  namesOf,
  placeOf,
} from './hostile-writer-folders.ts';
import { plainText } from './hostile-writer-material.ts';
import type { HostilePlan } from './hostile-writer-plans.ts';
import type { HostileRun } from './hostile-writer-run.ts';
import { stateOf } from './hostile-writer-witness.ts';

type Files = ReadonlyMap<string, Buffer>;

/** The last of the writer's work, after which everything is whole and stays so. */
export function* rest({ last, end }: HostilePlan, { writer, agent }: HostileRun): Calls {
  const { material, fresh } = writer;
  for (const [index, folder] of writer.folders.entries()) {
    const also = servedBesides(folder, agent.current(), index).map((name) => {
      return [name, Buffer.from(plainText({ half: 'bundle', pick: 0 }, material))] as const;
    });
    const files = new Map([...goodFiles(folder, last, material), ...also]);
    if (end === 'mended' && isMendable(folder)) yield* mend(folder, files, fresh);
    else yield* rebuild(folder, files, fresh);
  }
}

/** Names that came to be part of the served set: without them it is held for good, as promised. */
function servedBesides(
  folder: HostileFolder,
  served: string | undefined,
  index: number,
): readonly string[] {
  if (served === undefined) return [];
  const place = join(served, placeOf(folder, index));
  return namesIn(place).filter(
    (name) => !namesOf(folder).includes(name) && lstatSync(join(place, name)).isFile(),
  );
}

/** A chain only ever loses its last link and what lies behind. */
function isMendable({ kind, path }: HostileFolder): boolean {
  if (kind === 'chained') return true;
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function* mend(folder: HostileFolder, files: Files, fresh: FreshName): Calls {
  if (folder.kind !== 'plain') {
    return yield* publish(folder, { files, order: 'neverCleared' }, fresh);
  }
  for (const name of namesIn(folder.path)) {
    const path = join(folder.path, name);
    if (files.has(name) && lstatSync(path).isFile()) continue;
    rmSync(path, { recursive: true, force: true });
    yield `remove ${path}`;
  }
  for (const [name, bytes] of files) {
    const how = name.length % 2 === 0 ? 'byRename' : 'inPlace';
    const path = join(folder.path, name);
    if (existsSync(path)) yield* setMode(path, 0o600);
    yield* write(path, bytes, { how, pieces: 2, temporary: '.last' });
  }
}

function* rebuild(folder: HostileFolder, files: Files, fresh: FreshName): Calls {
  const lead = folder.kind === 'chained' ? currentLinkOf(folder) : folder.path;
  rmSync(lead, { recursive: true, force: true });
  yield `remove ${lead}`;
  if (folder.kind === 'kubernetes') {
    mkdirSync(folder.path);
    yield `make ${folder.path}`;
  }
  yield* publish(folder, { files, order: 'right' }, fresh);
}

/** What must come of a look at a writer that rests, and of every further one. @throws BrokenRule */
export async function checkRest(run: HostileRun): Promise<void> {
  const { agent } = run;
  const before = agent.current();
  const beforeCount = agent.takenCount();
  for (const count of [1, 2]) {
    run.tell(`look ${count} at the writer at rest`);
    await agent.look();
    agent.check();
    checkServed(run);
    const isNew = agent.current() !== before;
    must('a good set is taken once', agent.takenCount() === beforeCount + (isNew ? 1 : 0));
  }
  agent.checkRoot();
}

/** What is in the folders is what is in force. @throws BrokenRule */
export function checkServed({ agent, writer }: HostileRun): void {
  const served = agent.current();
  for (const [index, folder] of writer.folders.entries()) {
    const place = join(served ?? '', placeOf(folder, index));
    const entries = [...stateOf(folder)].filter(([, entry]) => entry !== 'folder');
    const isServed = entries.every(([name, entry]) => {
      const path = join(place, name);
      return typeof entry === 'object' && existsSync(path) && textOf(path) === entry.text;
    });
    must('a good set is taken at the first look after it', served !== undefined && isServed);
  }
  must('nothing is held any more', agent.held().length === 0);
}

const textOf = (path: string) => readFileSync(path, 'latin1');
