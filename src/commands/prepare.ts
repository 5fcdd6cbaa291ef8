/** What `validate` and `render` have in common: the bootstrap as a start would make it, and no start. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificateStore } from '../adapters/cert-store.ts';
import { systemClock } from '../adapters/clock.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { envoyArgs } from '../core/envoy-args.ts';
import { epochOf } from '../core/model.ts';
import type { Result } from '../ports.ts';
import type { Settings } from '../settings.ts';
import { readCertificates } from '../work/certificate-source.ts';
import { noCertificates } from '../work/no-certificates.ts';
import { envoyOptionsOf } from './run/envoy-settings.ts';
import { readBootstrapOf } from './run/sources.ts';

export interface Prepared {
  readonly bootstrapJson: string;
  readonly args: readonly string[];
}

export interface PrepareOptions {
  readonly epoch: number;
  /** Where the bootstrap is to be; a path that only a running agent knows stands as it would be. */
  readonly bootstrapPath: string;
  /** Where the certificates are read from: a snapshot, or the folder itself for a look. */
  readonly certificateFolder: string | undefined;
  /** `named`: every certificate by its file, as Envoy can validate it; `launched`: as it is run. */
  readonly form: 'named' | 'launched';
}

/** The bootstrap and the command line of a launch at this epoch, or all problems. */
export async function prepareLaunch(
  settings: Settings,
  options: PrepareOptions,
): Promise<Result<Prepared>> {
  const result = await readBootstrapOf(settings);
  if (!result.ok) return result;
  const { certificateFolder } = options;
  if (result.value.needsCertificates && certificateFolder === undefined) {
    const message = noCertificates(settings);
    return { ok: false, problems: [{ about: 'BATON_CERT_DIRS', message }] };
  }
  const launch = `L${options.epoch + 1}`;
  const adminSocketPath = join(settings.runDirectory, `admin-${launch}.sock`);
  const bootstrap = result.value[options.form]({
    adminSocket: adminSocketPath,
    secretsFolder: join(settings.runDirectory, 'sds', launch),
    ...(certificateFolder === undefined ? {} : { certificateFolder }),
  });
  const args = envoyArgs(envoyOptionsOf(settings), {
    bootstrapPath: options.bootstrapPath,
    adminSocketPath,
    epoch: epochOf(options.epoch),
    baseId: settings.baseId ?? 0,
  });
  return { ok: true, value: { bootstrapJson: canonicalJson(bootstrap), args } };
}

/** Judges the certificates and lends a snapshot of them for as long as `use` takes. */
export async function withSnapshot<Answer>(
  settings: Settings,
  use: (folder: string | undefined, scratch: string) => Promise<Result<Answer>>,
): Promise<Result<Answer>> {
  const scratch = await makeScratch();
  if (!scratch.ok) return scratch;
  const { value: folder } = scratch;
  try {
    const { certificateFolders: folders } = settings;
    const store = createCertificateStore({ folders, snapshotRoot: join(folder, 'certs') });
    const { result: kept } = await readCertificates(store, systemClock, undefined);
    return kept.ok ? await use(kept.value?.snapshot.folder, folder) : kept;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeScratch(): Promise<Result<string>> {
  try {
    return { ok: true, value: await mkdtemp(join(tmpdir(), 'baton-validate-')) };
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : error;
    const message = `Expected TMPDIR to be a folder that can be written, got "${tmpdir()}" (${reason}).`;
    return { ok: false, problems: [{ about: 'TMPDIR', message }] };
  }
}
