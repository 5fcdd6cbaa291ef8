import { distance } from 'fastest-levenshtein';

/** The known name that is most like an unknown one; absent when none is within a third of it. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const looked = name.slice(0, 200).toUpperCase();
  let best: { name: string; far: number } | undefined;
  for (const candidate of known) {
    const far = distance(looked, candidate.toUpperCase());
    if (best === undefined || far < best.far) best = { name: candidate, far };
  }
  return best !== undefined && best.far <= Math.max(2, name.length / 3) ? best.name : undefined;
}
