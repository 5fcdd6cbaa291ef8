/** `baton validate`: all that can be tried without running anything; changes nothing. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyBinary } from '../adapters/binary-identity.ts';
import { systemClock as clock } from '../adapters/clock.ts';
import { createEnvoyQueries } from '../adapters/envoy-queries.ts';
import { EXIT } from '../core/model.ts';
import type { Result } from '../ports.ts';
import type { Settings } from '../settings.ts';
import { withOwnNames } from '../work/own-names.ts';
import { prepareLaunch, withSnapshot } from './prepare.ts';
import { type PrintingFace, refuse } from './printing.ts';
import { envoyEnvironment } from './run/envoy-settings.ts';

export interface ValidateFace extends PrintingFace {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** 0 when a start would find everything in order, 78 with all problems when not. */
export async function validate(settings: Result<Settings>, face: ValidateFace): Promise<number> {
  if (!settings.ok) return refuse(face, settings.problems);
  const verdict = await withSnapshot(settings.value, (folder, scratch) =>
    askEnvoy(settings.value, { folder, scratch, env: face.env }),
  );
  if (!verdict.ok) return refuse(face, verdict.problems);
  face.print('settings, certificates and bootstrap are in order\n');
  return EXIT.stopped;
}

interface Trial {
  readonly folder: string | undefined;
  readonly scratch: string;
  readonly env: ValidateFace['env'];
}

async function askEnvoy(
  settings: Settings,
  { folder, scratch, env }: Trial,
): Promise<Result<void>> {
  const { envoyBinary } = settings;
  if (envoyBinary === undefined) return { ok: false, problems: [NO_ENVOY] };
  const binary = await identifyBinary(envoyBinary);
  if (!binary.ok) return binary;
  const bootstrapPath = join(scratch, 'bootstrap.json');
  const prepared = await prepareLaunch(settings, {
    epoch: 0,
    bootstrapPath,
    certificateFolder: folder,
    form: 'named',
  });
  if (!prepared.ok) return prepared;
  await writeFile(bootstrapPath, prepared.value.bootstrapJson, { mode: 0o600 });
  const queries = createEnvoyQueries({
    clock,
    environment: envoyEnvironment(env),
    folder: scratch,
  });
  const verdict = await queries.validate(envoyBinary, prepared.value.args);
  return withOwnNames(verdict, { bootstrapPath, certificateFolder: folder });
}

const NO_ENVOY = {
  about: 'BATON_ENVOY_BINARY',
  message: 'Cannot validate the bootstrap: there is no Envoy; set BATON_ENVOY_BINARY.',
};
