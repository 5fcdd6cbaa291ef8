/**
 * The agent's side of a hostile writer's run: the store and the desired state as they are, with
 * every snapshot judged the moment it is taken and again after every move.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateLook } from '../../src/core/certificate-facts.ts';
import type { CertificatesSeen } from '../../src/core/certificates-seen.ts';
import type { Event } from '../../src/core/events.ts';
import { type Desired, digestOf } from '../../src/core/model.ts';
import { bootstrapMaterial } from '../../src/work/bootstrap-material.ts';
import type { CertificateStore } from '../../src/work/certificate-source.ts';
import { createDesiredState, type DesiredState } from '../../src/work/desired-state.ts';
import { must } from './broken-rule.ts';
import type { FakeClock } from './fake-clock.ts';
import type { HostileFolder } from './hostile-writer-folders.ts';
import { checkSnapshot, contentOf, fingerprintOf } from './hostile-writer-judge.ts';
import type { Witness } from './hostile-writer-witness.ts';

export interface HostileAgentParts {
  readonly clock: FakeClock;
  readonly folders: readonly HostileFolder[];
  readonly snapshotRoot: string;
  readonly witness: Witness;
  readonly store: CertificateStore;
  readonly hasKey: (text: string) => boolean;
  readonly tell: (what: string) => void;
}

export interface HostileAgent {
  readonly look: DesiredState['look'];
  readonly settled: DesiredState['settled'];
  /** Forgets all but the newest and one of those in use, after the look under way. */
  prune(keeps: number): Promise<void>;
  /** The snapshot that is in force, if there is one. */
  current(): string | undefined;
  /** How many sets were taken so far. */
  takenCount(): number;
  /** What it was last told of the certificates' being held; empty when they are whole. */
  held(): readonly string[];
  /** @throws BrokenRule the first one that was broken since the last check */
  check(): void;
  /** For when nothing is under way. @throws BrokenRule */
  checkRoot(): void;
}

export function createHostileAgent(parts: HostileAgentParts): HostileAgent {
  const { clock, snapshotRoot, witness, tell } = parts;
  const broken: unknown[] = [];
  const fingerprints = new Map<string, string>();
  let inUse: ReadonlyMap<string, Desired> = new Map();
  let current: Desired | undefined;
  let held: readonly string[] = [];
  let takenCount = 0;

  function attempt(check: () => void): void {
    try {
      check();
    } catch (error) {
      broken.push(error);
    }
  }

  const store = observed(parts.store, {
    onLook: witness.begin,
    onSeen: (look) => attempt(() => checkSecrecy(JSON.stringify(look))),
    onSnapshot: (snapshot) => {
      // Of what is in force already the copy is only looked after.
      if (current === undefined || snapshot !== folderOf(current)) {
        attempt(() => checkTaken(snapshot));
      }
    },
  });

  const state = createDesiredState({
    clock,
    certificates: store,
    noCertificates: 'Cannot go on: there are none.',
    readBootstrap: async () => BOOTSTRAP,
    identifyBinary: async () => ({ ok: true, value: { digest: digestOf('binary') } }),
    binary: '/usr/bin/envoy',
    post: (event) => attempt(() => hear(event)),
    onHeld: (_part, problems) => {
      tell(`held: ${problems.join(' ')}`);
      held = problems;
      attempt(() => checkReasons(problems));
    },
  });

  function checkTaken(snapshot: string): void {
    tell(`taken: ${snapshot}`);
    takenCount += 1;
    const { folders } = parts;
    checkSnapshot({ snapshot, folders, seen: witness.seen(), wallMs: clock.wallMs() });
    must('what is taken is new', current === undefined || !isSame(snapshot, folderOf(current)));
    fingerprints.set(snapshot, fingerprintOf(snapshot));
  }

  function hear(event: Event): void {
    checkSecrecy(JSON.stringify(event));
    if (event.type === 'certificatesSeen') checkSeen(event.seen);
    if (event.type === 'desiredMissing') checkReasons(event.problems);
    if (event.type === 'desiredChanged') take(event.desired);
  }

  function checkSeen({ verdict, problems, advice }: CertificatesSeen): void {
    tell(`seen: ${verdict}`);
    checkReasons(problems);
    const isHeld = !['absent', 'accepted', 'unchanged'].includes(verdict);
    must('what is held has a problem', isHeld === problems.length > 0);
    must('what is held has an advice', isHeld === (advice !== undefined));
  }

  function take(desired: Desired): void {
    if (desired.certificates === undefined) return;
    current = desired;
    inUse = new Map([...inUse, [folderOf(desired), desired]]);
    must('what is desired can be launched', state.materialOf(desired) !== undefined);
    must('the snapshot in force is there', existsSync(folderOf(desired)));
  }

  const folderOf = ({ certificates }: Desired) => join(snapshotRoot, certificates ?? '');

  function checkReasons(problems: readonly string[]): void {
    for (const text of problems) {
      must('what is held has a reason', /^Cannot [^:]+: .+\.$/s.test(text));
      checkSecrecy(text);
    }
  }

  function checkSecrecy(text: string): void {
    must('no text has key material in it', !parts.hasKey(text));
  }

  function checkUnchanged(): void {
    for (const folder of inUse.keys()) {
      must('a snapshot in use is there', existsSync(folder));
      const isAsTaken = fingerprints.get(folder) === fingerprintOf(folder);
      must('a snapshot in use never changes', isAsTaken);
    }
  }

  async function prune(keeps: number): Promise<void> {
    const before = inUse;
    const kept = [...before.values()].filter((_, index) => index === keeps % before.size);
    await state.keepOnly(kept);
    // What was in force when it was asked need not be when it is done.
    inUse = new Map(
      [...inUse].filter(([folder, desired]) => {
        const isNewest = current !== undefined && folder === folderOf(current);
        return isNewest || kept.includes(desired) || !before.has(folder);
      }),
    );
    tell(`pruned: ${inUse.size} in use`);
  }

  return {
    look: state.look,
    settled: state.settled,
    prune,
    current: () => current && folderOf(current),
    takenCount: () => takenCount,
    held: () => held,
    check: () => {
      const [first] = broken;
      if (first !== undefined) throw first;
      checkUnchanged();
    },
    checkRoot: () => {
      const names = existsSync(snapshotRoot) ? readdirSync(snapshotRoot) : [];
      const known = names.filter((name) => inUse.has(join(snapshotRoot, name)));
      must('nothing but snapshots in use is left', known.length === names.length);
    },
  };
}

function isSame(one: string, other: string): boolean {
  return existsSync(other) && contentOf(one) === contentOf(other);
}

/** One that speaks of the certificates. */
const BOOTSTRAP = bootstrapMaterial(
  { base: { certificates: '${CERT_DIR}/' }, layers: [] },
  {
    valuesFor: ({ certificateFolder = '' }) => new Map([['CERT_DIR', certificateFolder]]),
    givenNames: [],
    nearest: () => undefined,
    delivery: 'restart',
  },
);

interface StoreObserver {
  onLook(): void;
  onSeen(look: CertificateLook): void;
  onSnapshot(folder: string): void;
}

function observed(store: CertificateStore, observer: StoreObserver): CertificateStore {
  return {
    look: async () => {
      observer.onLook();
      const look = await store.look();
      observer.onSeen(look);
      return look;
    },
    snapshot: async (look) => {
      const result = await store.snapshot(look);
      if (result.ok) observer.onSnapshot(result.value.folder);
      return result;
    },
    prune: store.prune,
  };
}
