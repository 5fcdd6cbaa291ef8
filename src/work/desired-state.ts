/**
 * What Envoy is to run with, read from disk: certificates, bootstrap and binary. Each look reads the
 * truth anew; events only say when to look. A part that is not whole is held at its last good state.
 */
import { dirname } from 'node:path';
import { canonicalJson } from '../core/canonical-json.ts';
import { expectationOf } from '../core/certificate-proof.ts';
import { certificateUse } from '../core/certificate-use.ts';
import type { Event } from '../core/events.ts';
import { type Desired, type Digest, type Part, sameDesired } from '../core/model.ts';
import { foldersNamedIn } from '../core/named-folders.ts';
import type { Tree } from '../core/tree.ts';
import type { Clock, Material, Result } from '../ports.ts';
import type { BootstrapMaterial } from './bootstrap-material.ts';
import {
  type CertificateStore,
  type KeptCertificates,
  readCertificates,
} from './certificate-source.ts';
import { createHeld, type Held } from './held-parts.ts';

export interface DesiredWorld {
  readonly clock: Clock;
  /** Absent when no folders are set. */
  readonly certificates?: CertificateStore;
  /** What is told where the bootstrap needs some and there are none. */
  readonly noCertificates: string;
  readonly readBootstrap: () => Promise<Result<BootstrapMaterial>>;
  readonly identifyBinary: () => Promise<Result<{ readonly digest: Digest }>>;
  readonly binary: string;
  readonly post: (event: Event) => void;
  /**
   * Told once for each change of what is wrong, an empty list when a part is whole again; not while
   * there never was a whole: `desiredMissing` says it all then.
   */
  readonly onHeld: (part: Part, problems: readonly string[]) => void;
}

export interface DesiredState {
  /** Reads everything once and posts what it makes; looks never overlap. Never rejects. */
  look(): Promise<void>;
  /**
   * Reads everything as a look does, and nothing comes of it: what was read is kept for as long as
   * `use` takes. @throws what `use` throws
   */
  preview<Answer>(use: (seen: Preview) => Promise<Answer>): Promise<Answer>;
  /** The bootstrap as last read, its names not filled; undefined when it never could be. */
  bootstrap(): Tree | undefined;
  materialOf(desired: Desired): Material | undefined;
  /** Resolves when no look is under way. */
  settled(): Promise<void>;
  /** Forgets what no launch and no plan needs any more, on disk too. */
  keepOnly(inUse: readonly Desired[]): Promise<void>;
}

/** What a look would find now. */
export interface Preview {
  /** Of what is whole on disk and the last good state of the rest; undefined when that is no whole. */
  readonly material: Material | undefined;
  /** Parts that are not whole on disk and were once. */
  readonly held: readonly Part[];
  readonly problems: readonly string[];
}

/** The last good state of each part. */
interface Parts {
  readonly bootstrap?: BootstrapMaterial;
  readonly binary?: Digest;
  readonly certificates?: KeptCertificates;
}

type Whole = Parts & Required<Pick<Parts, 'bootstrap' | 'binary'>>;

export function createDesiredState(world: DesiredWorld): DesiredState {
  const held = createHeld(world.noCertificates, world.onHeld);
  const loans = createLoans();
  let parts: Parts = {};
  let wholes: readonly Whole[] = [];
  let looking: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;

  function materialOf(desired: Desired): Material | undefined {
    const whole = wholeOf(desired, wholes);
    if (whole === undefined) return undefined;
    wholes = withWhole(wholes, whole);
    return materialFrom(whole, desired, world.binary);
  }

  async function lookOnce(): Promise<void> {
    waiting = undefined;
    parts = await readParts(parts, world, held);
    if (!isWhole(parts)) return world.post(missingFrom(parts, held));
    held.tell();
    wholes = withWhole(wholes, parts);
    world.post({ type: 'desiredChanged', desired: desiredOf(parts) });
  }

  function inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = looking.then(work);
    looking = done.then(nothing, nothing);
    return done;
  }

  return {
    preview: (use) =>
      lendOut(world, loans, {
        use,
        read: (told, heldNow) =>
          inTurn(async () => loans.take(await readParts(parts, told, heldNow))),
      }),
    bootstrap: () => parts.bootstrap?.merged,
    materialOf,
    settled: () => looking,
    look: () => {
      // One that has not begun yet sees what is there by then.
      waiting ??= inTurn(lookOnce);
      return waiting;
    },
    keepOnly: (inUse) => {
      wholes = wholes.filter((whole) => inUse.some((used) => sameDesired(used, desiredOf(whole))));
      // After the look under way: what it makes is in use from then on.
      return inTurn(async () => {
        const kept = [...inUse, ...wholes.map(desiredOf)].map((one) => one.certificates);
        const digests = [parts.certificates?.set.digest, ...loans.digests(), ...kept];
        await world.certificates?.prune(new Set(digests.filter((one) => one !== undefined)));
      });
    },
  };
}

const nothing = () => {};

function missingFrom({ bootstrap, binary }: Parts, held: Held): Event {
  const isConfigured = bootstrap !== undefined && binary !== undefined;
  const lacks = isConfigured ? 'certificates' : 'configuration';
  return { type: 'desiredMissing', problems: held.problems(), lacks };
}

interface Borrower<Answer> {
  readonly read: (told: DesiredWorld, held: Held) => Promise<Parts>;
  readonly use: (seen: Preview) => Promise<Answer>;
}

async function lendOut<Answer>(
  world: DesiredWorld,
  loans: Loans,
  { read, use }: Borrower<Answer>,
): Promise<Answer> {
  const held = createHeld(world.noCertificates);
  const seen = await read({ ...world, post: () => {} }, held);
  try {
    return await use(previewOf(seen, held, world.binary));
  } finally {
    loans.giveBack(seen);
  }
}

interface Loans {
  take(parts: Parts): Parts;
  giveBack(parts: Parts): void;
  /** Of the certificates that are not to go yet. */
  digests(): readonly Digest[];
}

function createLoans(): Loans {
  const lent = new Set<Parts>();
  return {
    take: (parts) => {
      lent.add(parts);
      return parts;
    },
    giveBack: (parts) => void lent.delete(parts),
    digests: () => [...lent].flatMap(({ certificates }) => certificates?.set.digest ?? []),
  };
}

async function readParts(before: Parts, world: DesiredWorld, held: Held): Promise<Parts> {
  const bootstrap = held.take('bootstrap', await world.readBootstrap());
  const binary = held.take('binary', await world.identifyBinary());
  const store = world.certificates;
  const kept = before.certificates;
  const reading = store && (await readCertificates(store, world.clock, kept));
  if (reading) world.post({ type: 'certificatesSeen', seen: reading.seen });
  const certificates = reading && held.take('certificates', reading.result);
  return {
    ...before,
    ...(bootstrap ? { bootstrap: bootstrap.value } : {}),
    ...(binary ? { binary: binary.value.digest } : {}),
    ...(certificates?.value ? { certificates: certificates.value } : {}),
  };
}

function previewOf(seen: Parts, held: Held, binary: string): Preview {
  const parts = held.parts();
  if (!isWhole(seen)) return { material: undefined, held: [], problems: held.problems() };
  const problems = parts.length === 0 ? [] : held.problems();
  return { material: materialFrom(seen, desiredOf(seen), binary), held: parts, problems };
}

/** Certificates are missing only where the bootstrap speaks of them. */
function isWhole(parts: Parts): parts is Whole {
  const { bootstrap, binary, certificates } = parts;
  if (bootstrap === undefined || binary === undefined) return false;
  return certificates !== undefined || !bootstrap.needsCertificates;
}

function withWhole(wholes: readonly Whole[], whole: Whole): readonly Whole[] {
  const desired = desiredOf(whole);
  const isKept = wholes.some((kept) => sameDesired(desiredOf(kept), desired));
  return isKept ? wholes : [...wholes, whole];
}

/** As it was read, or of parts read at different times: new certificates on an older bootstrap. */
function wholeOf(desired: Desired, wholes: readonly Whole[]): Whole | undefined {
  const exact = wholes.find((whole) => sameDesired(desiredOf(whole), desired));
  if (exact !== undefined) return exact;
  const configured = wholes.find(
    (whole) => whole.bootstrap.digest === desired.bootstrap && whole.binary === desired.binary,
  );
  const certified = wholes.find(
    ({ certificates }) => certificates?.set.digest === desired.certificates,
  );
  if (configured === undefined || certified?.certificates === undefined) return undefined;
  return { ...configured, certificates: certified.certificates };
}

function desiredOf({ bootstrap, binary, certificates }: Whole): Desired {
  const digests = { bootstrap: bootstrap.digest, binary };
  return certificates === undefined
    ? digests
    : { ...digests, certificates: certificates.set.digest };
}

function materialFrom(parts: Whole, desired: Desired, binary: string): Material {
  const { bootstrap, certificates: kept } = parts;
  const certificates = kept === undefined ? {} : { certificateFolder: kept.snapshot.folder };
  // Secrets and what Envoy has to show for them are the same for every launch.
  const anyLaunch = { adminSocket: '', secretsFolder: '', ...certificates };
  const secrets = bootstrap.secrets(anyLaunch);
  const launched = bootstrap.launched(anyLaunch);
  const use = certificateUse(launched, secrets.values());
  return {
    desired,
    binary,
    bootstrapFor: ({ adminSocketPath: adminSocket, secretsFolder }) =>
      canonicalJson(bootstrap.launched({ adminSocket, secretsFolder, ...certificates })),
    validationFor: ({ adminSocketPath: adminSocket }) =>
      canonicalJson(bootstrap.named({ adminSocket, ...certificates })),
    secrets,
    ...certificates,
    isDeliverable: !speaksOfFolders(launched, kept),
    expected: expectationOf(use, (path) => kept?.snapshot.serialNumbers.get(path)),
  };
}

/** By their own paths: what is read from there is read once. */
function speaksOfFolders(launched: Tree, kept: KeptCertificates | undefined): boolean {
  const folders = new Set(kept?.set.files.map((path) => dirname(path)));
  return foldersNamedIn(launched, [...folders]).length > 0;
}
