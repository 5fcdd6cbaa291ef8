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

export interface DesiredWorld {
  readonly clock: Clock;
  /** Absent when no folders are set. */
  readonly certificates?: CertificateStore;
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
  materialOf(desired: Desired): Material | undefined;
  /** Resolves when no look is under way. */
  settled(): Promise<void>;
  /** Forgets what no launch and no plan needs any more, on disk too. */
  keepOnly(inUse: readonly Desired[]): Promise<void>;
}

/** The last good state of each part. */
interface Parts {
  readonly bootstrap?: BootstrapMaterial;
  readonly binary?: Digest;
  readonly certificates?: KeptCertificates;
}

type Whole = Parts & Required<Pick<Parts, 'bootstrap' | 'binary'>>;

export function createDesiredState(world: DesiredWorld): DesiredState {
  const held = createHeld(world.onHeld);
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
    parts = await readParts(parts, world, held);
    if (!isWhole(parts)) {
      const isConfigured = parts.bootstrap !== undefined && parts.binary !== undefined;
      const lacks = isConfigured ? 'certificates' : 'configuration';
      world.post({ type: 'desiredMissing', problems: held.problems(), lacks });
      return;
    }
    held.tell();
    wholes = withWhole(wholes, parts);
    world.post({ type: 'desiredChanged', desired: desiredOf(parts) });
  }

  async function prune(inUse: readonly Desired[]): Promise<void> {
    const kept = [...inUse, ...wholes.map(desiredOf)];
    const digests = [parts.certificates?.set.digest, ...kept.map((one) => one.certificates)];
    await world.certificates?.prune(new Set(digests.filter((digest) => digest !== undefined)));
  }

  return {
    materialOf,
    settled: () => looking,
    look: () => {
      // One that has not begun yet sees what is there by then.
      if (waiting !== undefined) return waiting;
      waiting = looking.then(() => {
        waiting = undefined;
        return lookOnce();
      });
      looking = waiting;
      return waiting;
    },
    keepOnly: (inUse) => {
      const isUsed = (whole: Whole) => inUse.some((used) => sameDesired(used, desiredOf(whole)));
      wholes = wholes.filter(isUsed);
      // After the look under way: what it makes is in use from then on.
      looking = looking.then(() => prune(inUse));
      return looking;
    },
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

const NO_CERTIFICATES =
  'Cannot fill ${CERT_DIR}: there are no certificates in the folders of BATON_CERT_DIRS. BATON_CERT_WAIT_TIME has a start wait for them.';

interface Held {
  /** The result's value when it is good, and keeps its problems when it is not. */
  take<Value>(part: Part, result: Result<Value>): { readonly value: Value } | undefined;
  /** Passes on what has changed since it was last told. */
  tell(): void;
  /** Of all parts; never empty. */
  problems(): readonly string[];
}

/** Which parts are held at their last good state, and why. */
function createHeld(onHeld: DesiredWorld['onHeld']): Held {
  const problems = new Map<Part, readonly string[]>();
  const told = new Map<Part, string>();
  return {
    take: (part, result) => {
      problems.set(part, result.ok ? [] : result.problems.map(({ message }) => message));
      return result.ok ? { value: result.value } : undefined;
    },
    tell: () => {
      for (const [part, now] of problems) {
        const text = now.join('\n');
        if (text === (told.get(part) ?? '')) continue;
        told.set(part, text);
        onHeld(part, now);
      }
    },
    problems: () => {
      const known = [...problems.values()].flat();
      return known.length === 0 ? [NO_CERTIFICATES] : known;
    },
  };
}
