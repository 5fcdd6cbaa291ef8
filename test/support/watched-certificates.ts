/**
 * Certificate folders as an agent watches them, without an Envoy: real files, the real watch, store
 * and desired state, and a clock that stands still until a test lets time pass. Each set that
 * becomes desired would be a handover; what Envoy would read is read back from its snapshot.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { createCertificateStore } from '../../src/adapters/cert-store.ts';
import { watchFolders } from '../../src/adapters/folder-watch.ts';
import type { CertificatesSeen } from '../../src/core/certificates-seen.ts';
import type { Event } from '../../src/core/events.ts';
import { digestOf } from '../../src/core/model.ts';
import { createDesiredState } from '../../src/work/desired-state.ts';
import { createLookOut } from '../../src/work/look-out.ts';
import { materialNamed } from './bootstrap-materials.ts';
import { createFakeClock } from './fake-clock.ts';

/** The files of a snapshot: their text by their path in it. */
export type Files = Readonly<Record<string, string>>;

export interface WatchedCertificates {
  /** What became desired, one after the other. */
  readonly served: readonly Files[];
  /** What was said of sets that are held, in order; empty where all was well again. */
  readonly held: readonly string[];
  /** What was said each time that there was nothing to serve at all. */
  readonly missing: readonly string[];
  /** What was said of directories that can't be watched. */
  readonly troubles: readonly string[];
  /** Of every look. */
  readonly verdicts: readonly CertificatesSeen['verdict'][];
  hintCount(): number;
  lookCount(): number;
  /** Makes the change, waits for a hint and lets the quiet time pass: a look that saw it is over. */
  lookAfter(change: () => Promise<unknown>): Promise<void>;
  /** Lets the poll interval pass, which is also a look. */
  poll(): Promise<void>;
  /** Lets this much time pass, and ends what looks that leads to. */
  pass(ms: number): Promise<void>;
  /** Waits until no more hints come. */
  untilQuiet(): Promise<void>;
  /** Sets the wall clock, and nothing else, so much ahead of the true one. */
  setWallAhead(ms: number): void;
}

/** The defaults of the settings. */
export const QUIET_MS = 1_000;
const MAX_WAIT_MS = 10_000;
const POLL_INTERVAL_MS = 30_000;
const PATIENCE = { timeout: 20_000, interval: 2 };

/** Watches until the test is over. The first look is done when it resolves. */
export async function watchCertificates(
  ...folders: readonly string[]
): Promise<WatchedCertificates> {
  const served: Files[] = [];
  const held: string[] = [];
  const missing: string[] = [];
  const troubles: string[] = [];
  const verdicts: CertificatesSeen['verdict'][] = [];
  let wallAheadMs = 0;
  let hintCount = 0;
  let lookCount = 0;
  let lastDigest: string | undefined;

  const snapshotRoot = mkdtempSync(join(tmpdir(), 'watched-'));
  const clock = { ...createFakeClock(), wallMs: () => Date.now() + wallAheadMs };
  const post = (event: Event) => {
    if (event.type === 'certificatesSeen') verdicts.push(event.seen.verdict);
    if (event.type === 'desiredMissing') missing.push(event.problems.join('\n'));
    if (event.type !== 'desiredChanged') return;
    const { certificates } = event.desired;
    if (certificates === undefined || certificates === lastDigest) return;
    lastDigest = certificates;
    served.push(filesIn(join(snapshotRoot, certificates)));
  };
  const state = createDesiredState({
    clock,
    certificates: createCertificateStore({ folders, snapshotRoot }),
    noCertificates: 'Cannot go on: there are none.',
    readBootstrap: async () => materialNamed('bootstrap', true),
    identifyBinary: async () => ({ ok: true, value: { digest: digestOf('binary') } }),
    binary: '/usr/bin/envoy',
    post,
    onHeld: (part, problems) => void (part === 'certificates' && held.push(problems.join('\n'))),
  });
  const look = () => {
    lookCount += 1;
    return state.look();
  };
  const lookOut = createLookOut({
    clock,
    times: { quietMs: QUIET_MS, maxWaitMs: MAX_WAIT_MS },
    pollIntervalMs: POLL_INTERVAL_MS,
    look,
    rearm: () => watch.rearm(),
  });
  const onHint = () => {
    hintCount += 1;
    lookOut.hint();
  };
  const watch = watchFolders(folders, { onHint, onTrouble: (text) => troubles.push(text) });
  onTestFinished(async () => {
    watch.close();
    lookOut.close();
    await state.settled();
    rmSync(snapshotRoot, { recursive: true, force: true });
  });

  const pass = async (ms: number) => {
    clock.pass(ms);
    await state.settled();
  };
  const untilQuiet = async () => {
    let last = -1;
    const isQuiet = () => {
      const wasLast = last;
      last = hintCount;
      return hintCount > 0 && wasLast === hintCount;
    };
    await vi.waitUntil(isQuiet, { timeout: 20_000, interval: 50 });
  };
  await untilQuiet();
  await pass(MAX_WAIT_MS);
  return {
    served,
    held,
    missing,
    troubles,
    verdicts,
    hintCount: () => hintCount,
    lookCount: () => lookCount,
    lookAfter: async (change) => {
      const before = hintCount;
      await change();
      await vi.waitUntil(() => hintCount > before, PATIENCE);
      await pass(QUIET_MS);
    },
    poll: () => pass(POLL_INTERVAL_MS),
    pass,
    untilQuiet,
    setWallAhead: (ms) => {
      wallAheadMs = ms;
    },
  };
}

function filesIn(folder: string): Files {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}
