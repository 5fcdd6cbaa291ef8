/** `baton version`: everything one asks for first when something does not fit together. */
import type { Result } from '../ports.ts';

export interface VersionFace {
  readonly print: (text: string) => void;
  readonly batonVersion: string;
  readonly nodeVersion: string;
  /** Path of the Envoy that `baton run` would start. */
  readonly findEnvoy: () => Promise<Result<string>>;
  /** What it prints for `--version`. */
  readonly envoyVersion: (binary: string) => Promise<Result<string>>;
  /** What it prints for `--hot-restart-version`. */
  readonly hotRestartVersion: (binary: string) => Promise<Result<string>>;
}

/** Always 0: a missing Envoy is said, not a failure. */
export async function showVersion(face: VersionFace): Promise<number> {
  const lines = [`baton ${face.batonVersion}`, `node ${face.nodeVersion}`];
  face.print([...lines, ...(await envoyLines(face)), ''].join('\n'));
  return 0;
}

async function envoyLines(face: VersionFace): Promise<readonly string[]> {
  const found = await face.findEnvoy();
  if (!found.ok) return [`envoy ${orProblem(found)}`];
  const [version, hotRestart] = await Promise.all([
    face.envoyVersion(found.value),
    face.hotRestartVersion(found.value),
  ]);
  return [`envoy ${orProblem(version)} (${found.value})`, `hot restart ${orProblem(hotRestart)}`];
}

function orProblem(result: Result<string>): string {
  return result.ok ? result.value : result.problems.map(({ message }) => message).join(' ');
}
