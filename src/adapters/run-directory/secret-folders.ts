/**
 * The secrets that each launch takes in while it runs. A launch has a folder of its own, so that an
 * old Envoy keeps what it has while the new one gets something else:
 *
 *   L3/<version>/<secret>.json   each version whole from the moment `current` leads to it
 *   L3/current -> <version>      swapped by one rename, for which Envoy watches `L3`
 */
import { randomBytes } from 'node:crypto';
import { access, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../core/agent-error.ts';

/**
 * Leads Envoy back to the version it had before; does nothing once that one is gone. @throws AgentError
 */
export type UndoDelivery = () => Promise<void>;

/** Calls about one launch are made one after the other. */
export interface SecretFolders {
  /** Of one launch, whether it is there or not: what a bootstrap's CERT_SECRETS_DIR stands for. */
  pathOf(launch: string): string;
  /**
   * Makes the launch's Envoy see exactly these files, by name: all of them at once, or what it saw
   * before. A version that is there already is checked and mended. @throws AgentError
   */
  put(launch: string, version: string, files: ReadonlyMap<string, string>): Promise<UndoDelivery>;
  /** Removes the versions that the launch's Envoy doesn't see. @throws AgentError */
  forgetOthers(launch: string): Promise<void>;
  /** Removes what a launch had. @throws AgentError */
  remove(launch: string): Promise<void>;
  /** Removes what any launch had: none lives. @throws AgentError */
  clear(): Promise<void>;
}

/** How a folder and a file are made ours alone; both reject with the system's error. */
export interface PrivateWriting {
  /** @returns what stands in the way, if anything does */
  readonly makePrivate: (
    folder: string,
    isOurs: (name: string) => boolean,
  ) => Promise<string | undefined>;
  readonly writeAtomically: (path: string, text: string) => Promise<void>;
}

/** @param root a folder of the run directory that is for this alone; made when it is needed */
export function createSecretFolders(
  root: string,
  { makePrivate, writeAtomically }: PrivateWriting,
): SecretFolders {
  const pathOf = (launch: string) => join(root, launch);
  const attempt = <Value>(work: () => Promise<Value>) =>
    work().catch((error: Error) => {
      throw new AgentError('runDirectory', refusal(root, error), { cause: error });
    });
  const remove = (path: string) => rm(path, { recursive: true, force: true });
  return {
    pathOf,
    put: async (launch, version, files) => {
      const folder = pathOf(launch);
      const before = await attempt(async () => {
        for (const place of [root, folder, join(folder, version)]) {
          const obstacle = await makePrivate(place, () => true);
          if (obstacle !== undefined) throw new Error(obstacle);
        }
        await makeHold(join(folder, version), files, writeAtomically);
        const target = await currentOf(folder);
        await lead(folder, version);
        return target;
      });
      return () => attempt(() => leadBack(folder, before));
    },
    forgetOthers: (launch) => attempt(() => removeOthers(pathOf(launch))),
    remove: (launch) => attempt(() => remove(pathOf(launch))),
    clear: () => attempt(() => remove(root)),
  };
}

const CURRENT = 'current';

/** Written in place, for Envoy looks again whenever something is moved into the folder above. */
async function makeHold(
  folder: string,
  files: ReadonlyMap<string, string>,
  write: PrivateWriting['writeAtomically'],
): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!files.has(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
  for (const [name, text] of files) {
    const path = join(folder, name);
    const found = await readFile(path, 'utf8').catch(() => undefined);
    if (found !== text) await write(path, text);
  }
}

async function currentOf(folder: string): Promise<string | undefined> {
  return readlink(join(folder, CURRENT)).catch(() => undefined);
}

async function lead(folder: string, version: string): Promise<void> {
  const passing = join(folder, `.${CURRENT}-${randomBytes(6).toString('hex')}`);
  await symlink(version, passing);
  try {
    await rename(passing, join(folder, CURRENT));
  } catch (error) {
    await rm(passing, { force: true });
    throw error;
  }
}

async function leadBack(folder: string, version: string | undefined): Promise<void> {
  if (version === undefined) return rm(join(folder, CURRENT), { force: true });
  const isThere = await access(join(folder, version)).then(
    () => true,
    () => false,
  );
  if (isThere) await lead(folder, version);
}

async function removeOthers(folder: string): Promise<void> {
  const kept = [CURRENT, await currentOf(folder)];
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => !kept.includes(one))) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Without the name of the file, which may be a temporary one: no two would be the same. */
function refusal(root: string, { message }: Error): string {
  return `Cannot keep secrets in ${root}: ${message.replace(/, [a-z]+ '.*/s, '')}.`;
}
