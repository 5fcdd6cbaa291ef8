/** The right to try again: tokens, and the delay each one costs. */
import type { Policy } from './model.ts';

/** Node fires a longer timer at once instead of late. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * What the n-th failure (1 for the first) leads to: the delay before the next start, counted from
 * the failure, or undefined when its token would be one too many. Ten tokens of 200 ms make 200,
 * 400, ... 102,400 ms: eleven starts in all.
 */
export function delayAfterFailure(
  failureCount: number,
  policy: Pick<Policy, 'restartTokens' | 'restartBackoffMs'>,
): number | undefined {
  if (failureCount > policy.restartTokens) return undefined;
  return Math.min(policy.restartBackoffMs * 2 ** (failureCount - 1), LONGEST_DELAY_MS);
}

/** Tokens left after so many failures; never negative. */
export function tokensLeft(failureCount: number, policy: Pick<Policy, 'restartTokens'>): number {
  return Math.max(0, policy.restartTokens - failureCount);
}
