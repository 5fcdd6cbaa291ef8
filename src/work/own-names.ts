/** What Envoy says of files that are gone by the time someone reads it. */
import type { Result } from '../ports.ts';

export interface PassingPlaces {
  /** Of the bootstrap that was tried. */
  readonly bootstrapPath: string;
  /** Of the copies of the certificates. */
  readonly certificateFolder?: string | undefined;
}

/** The same verdict with the names by which the user knows them: the bootstrap, `${CERT_DIR}`. */
export function withOwnNames(verdict: Result<void>, places: PassingPlaces): Result<void> {
  if (verdict.ok) return verdict;
  const { bootstrapPath, certificateFolder } = places;
  const renamed = (message: string) => {
    const named = message.replaceAll(bootstrapPath, 'the bootstrap');
    return certificateFolder === undefined
      ? named
      : named.replaceAll(certificateFolder, () => '${CERT_DIR}');
  };
  const problems = verdict.problems.map((problem) => {
    return { ...problem, message: renamed(problem.message) };
  });
  return { ok: false, problems };
}
