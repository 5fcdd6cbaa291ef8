/** The error of a rule that does not hold, built only when it does not: it is asked millions of times. */

export class BrokenRule extends Error {
  override readonly name = 'BrokenRule';
}

/** @throws BrokenRule named by the rule when it does not hold */
export function must(rule: string, holds: boolean): void {
  if (!holds) throw new BrokenRule(rule);
}
