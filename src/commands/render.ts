/** `baton render`: the bootstrap that would be used, for people and for diffs. */
import { join } from 'node:path';
import { EXIT } from '../core/model.ts';
import type { Result } from '../ports.ts';
import type { Settings } from '../settings.ts';
import { prepareLaunch } from './prepare.ts';
import { type PrintingFace, refuse } from './printing.ts';

export interface RenderOptions {
  readonly epoch: number;
  /** Also the command line, on the last line. */
  readonly withArgs: boolean;
}

/** The first certificate folder stands for the snapshot that a running agent would make of it. */
export async function render(
  settings: Result<Settings>,
  { epoch, withArgs }: RenderOptions,
  face: PrintingFace,
): Promise<number> {
  if (!settings.ok) return refuse(face, settings.problems);
  const { runDirectory, certificateFolders, envoyBinary = 'envoy' } = settings.value;
  const prepared = await prepareLaunch(settings.value, {
    epoch,
    bootstrapPath: join(runDirectory, `envoy-rev${epoch}.json`),
    certificateFolder: certificateFolders[0],
    form: 'launched',
  });
  if (!prepared.ok) return refuse(face, prepared.problems);
  const { bootstrapJson, args } = prepared.value;
  face.print(bootstrapJson);
  if (withArgs) face.print(`${[envoyBinary, ...args].map(shellQuoted).join(' ')}\n`);
  return EXIT.stopped;
}

/** So that the line can be pasted into a shell. */
function shellQuoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
