/** The files Envoy is to run with, and the watch over them. */
import { extname, resolve } from 'node:path';
import { identifyBinary } from '../../adapters/binary-identity.ts';
import {
  type BootstrapSources,
  type ReadBefore,
  readSources,
} from '../../adapters/bootstrap-sources.ts';
import { type CertificateStore, createCertificateStore } from '../../adapters/cert-store.ts';
import { systemClock } from '../../adapters/clock.ts';
import type { CertificateLook } from '../../core/certificate-facts.ts';
import type { Event } from '../../core/events.ts';
import type { LogRecord } from '../../core/log-record.ts';
import { templateValues } from '../../core/template-values.ts';
import type { Tree } from '../../core/tree.ts';
import type { Cancel, Result } from '../../ports.ts';
import { nearestName } from '../../settings/nearest.ts';
import { identityOf, type Settings } from '../../settings.ts';
import { type BootstrapMaterial, bootstrapMaterial } from '../../work/bootstrap-material.ts';
import { deferred } from '../../work/deferred.ts';
import { createDesiredState, type DesiredState } from '../../work/desired-state.ts';
import { createLookOut } from '../../work/look-out.ts';
import { noCertificates } from '../../work/no-certificates.ts';
import { createCertificateWarnings } from './certificate-warnings.ts';

export interface SourceParts {
  readonly settings: Settings;
  readonly binary: string;
  readonly runDirectory: string;
  /** Where certificate snapshots are kept. */
  readonly certificatesPath: string;
  readonly post: (event: Event) => void;
  readonly record: (record: LogRecord) => void;
}

export interface Sources extends DesiredState {
  /** The bootstrap, its names not filled, once it could be read for the first time; it may never be. */
  readonly bootstrapRead: Promise<Tree>;
  /**
   * Removes every certificate snapshot. Before the first look none is in use, and when Envoy is gone
   * private keys have no business to stay behind.
   */
  removeSnapshots(): Promise<void>;
  /** Watches from now on, and reads again every now and then. */
  watch(): Promise<Cancel>;
}

export function createSources(parts: SourceParts): Sources {
  const { settings, binary, post } = parts;
  const folders = settings.certificateFolders;
  const firstRead = deferred<Tree>();

  const readAnew = bootstrapReading(settings);
  async function readBootstrap(): Promise<Result<BootstrapMaterial>> {
    const read = await readAnew();
    if (read.ok) firstRead.resolve(read.value.merged);
    return read;
  }

  const certificates = createCertificateStore({ folders, snapshotRoot: parts.certificatesPath });
  const warn = createCertificateWarnings(parts.record, {
    runDirectory: parts.runDirectory,
    bootstrap: () => desired.bootstrap(),
  });
  const desired = createDesiredState({
    clock: systemClock,
    ...(folders.length === 0 ? {} : { certificates: told(certificates, warn) }),
    noCertificates: noCertificates(settings),
    readBootstrap,
    identifyBinary: () => identifyBinary(binary),
    binary,
    post,
    onHeld: (part, problems) => post({ type: 'partHeld', part, problems }),
  });
  return {
    ...desired,
    bootstrapRead: firstRead.promise,
    removeSnapshots: async () => {
      await desired.settled();
      await certificates.prune(new Set());
    },
    watch: () => watchAll(desired, [...folders, binary, ...bootstrapFiles(settings)], parts),
  };
}

/** The same store; what its looks find is passed on, which they do not wait for. */
function told(store: CertificateStore, tell: (look: CertificateLook['folders']) => unknown) {
  const look = async () => {
    const seen = await store.look();
    void tell(seen.folders);
    return seen;
  };
  return { ...store, look };
}

/** Reads and tries the bootstrap of these settings. */
export function readBootstrapOf(settings: Settings): Promise<Result<BootstrapMaterial>> {
  return bootstrapReading(settings)();
}

/** The same again and again: what has not changed since the last time is tried once. */
function bootstrapReading(settings: Settings): () => Promise<Result<BootstrapMaterial>> {
  const { bootstrap, bootstrapLayers: layers } = settings;
  const before: ReadBefore = new Map();
  let last: { readonly digest: string; readonly tried: Result<BootstrapMaterial> } | undefined;
  return async () => {
    const sources = await readSources({ bootstrap, layers }, before);
    if (!sources.ok) return sources;
    const { digest } = sources.value;
    if (last?.digest !== digest) last = { digest, tried: tryBootstrap(settings, sources.value) };
    return last.tried;
  };
}

function tryBootstrap(settings: Settings, sources: BootstrapSources): Result<BootstrapMaterial> {
  const { templateTexts } = settings;
  return bootstrapMaterial(sources, {
    valuesFor: (paths) => templateValues(identityOf(settings), templateTexts, paths),
    givenNames: [...templateTexts.keys()],
    nearest: nearestName,
    delivery: settings.certificateDelivery,
  });
}

/** Those of the bootstrap and its layers that are files, whether they are there or not. */
function bootstrapFiles({ bootstrap, bootstrapLayers }: Settings): readonly string[] {
  return [bootstrap, ...bootstrapLayers]
    .filter((name) => extname(name) !== '')
    .map((name) => resolve(name));
}

/** The watching library comes in only now: Envoy has been started by then. */
async function watchAll(
  desired: DesiredState,
  paths: readonly string[],
  parts: SourceParts,
): Promise<Cancel> {
  const { settings, record } = parts;
  const { watchFolders } = await import('../../adapters/folder-watch.ts');
  const lookOut = createLookOut({
    clock: systemClock,
    times: { quietMs: settings.certificateQuietTimeMs, maxWaitMs: settings.certificateMaxWaitMs },
    pollIntervalMs: settings.certificatePollIntervalMs,
    look: () => desired.look(),
    rearm: () => watch.rearm(),
  });
  const watch = watchFolders(paths, {
    onHint: () => lookOut.hint(),
    onTrouble: (reason) => record({ level: 'warn', message: 'cannot watch', fields: { reason } }),
  });
  return () => {
    lookOut.close();
    watch.close();
  };
}
