/** A question to the application that ends in time. */
import type { ApplicationAnswer, ApplicationProbes, ApplicationQuestion, Clock } from '../ports.ts';

export interface TimedQuestion {
  readonly probes: ApplicationProbes;
  readonly clock: Clock;
  readonly question: ApplicationQuestion;
  readonly timeoutMs: number;
}

export interface Asking {
  readonly answer: Promise<ApplicationAnswer>;
  /** Gives it up. */
  stop(reason: string): void;
}

/** Asks; when nothing has come by then, that is the answer. */
export function askWithin({ probes, clock, question, timeoutMs }: TimedQuestion): Asking {
  const limit = new AbortController();
  const stop = (reason: string) => limit.abort(reason);
  const cancel = clock.after(timeoutMs, () => stop(`no answer within ${timeoutMs / 1_000} s`));
  return { answer: probes.ask(question, limit.signal).finally(cancel), stop };
}
