/** How many sequences the model test runs. */
import fc from 'fast-check';

/** All of them together; fewer where many runs of the tests are to be quick. */
const SEQUENCES = Number(process.env['MODEL_SEQUENCES'] ?? 100_000);

/** For the slowest machine: running out of time would hide the sequence that broke a rule. */
export const LONG_MS = 600_000;

/**
 * Tries a property with its share of the sequences, all of them, however long they take. A failure
 * tells the seed, the shortest sequence and what happened in it.
 */
export function holdsFor<Inputs>(share: number, property: fc.IRawProperty<Inputs>): void {
  fc.assert(property, { numRuns: Math.ceil(SEQUENCES * share) });
}
