/** Random numbers that are the same in every run with the same seed. */

/** Uniform in [0, 1). */
export type Dice = () => number;

/** Mulberry32: 32 bits of state, good enough to spread a fleet and nothing to keep a secret with. */
export function seededDice(seed: number): Dice {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Range {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Uniform between both. */
export function within(dice: Dice, { leastMs, mostMs }: Range): number {
  return leastMs + dice() * (mostMs - leastMs);
}
