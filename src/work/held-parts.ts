/** Which parts of the desired state are held at their last good state, and why. */
import type { Part } from '../core/model.ts';
import type { Result } from '../ports.ts';

/** What is wrong with which part. */
export interface Held {
  /** The result's value when it is good, and keeps its problems when it is not. */
  take<Value>(part: Part, result: Result<Value>): { readonly value: Value } | undefined;
  /** Passes on what has changed since it was last told. */
  tell(): void;
  /** Of all parts; never empty. */
  problems(): readonly string[];
  /** Those with problems. */
  parts(): readonly Part[];
}

/**
 * `onHeld` is told once for each change, an empty list when a part is whole again.
 *
 * @param noCertificates - the problem where no part has one, and yet they are no whole
 */
export function createHeld(
  noCertificates: string,
  onHeld: (part: Part, problems: readonly string[]) => void = () => {},
): Held {
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
    parts: () => [...problems].flatMap(([part, now]) => (now.length === 0 ? [] : [part])),
    problems: () => {
      const known = [...problems.values()].flat();
      return known.length === 0 ? [noCertificates] : known;
    },
  };
}
