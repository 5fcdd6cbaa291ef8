/**
 * The admin of whichever launch serves, through every change of who that is: what the last one could
 * not answer is put to the next one, and is waited for, but not for ever.
 */
import { AgentError } from '../core/agent-error.ts';
import type { AdminAnswer, AdminLimits, Clock } from '../ports.ts';
import type { AgentFace } from './agent-face.ts';
import { type Launches, type LivingLaunch, newestLive } from './launches.ts';

export interface ServingAdmin {
  /** @throws AgentError when there is no answer, or when one launch after the other left none */
  readonly request: AgentFace['adminRequest'];
  /** A launch has gone LIVE: who waits for one may ask it. */
  wentLive(): void;
  /** None will any more: nobody is to wait from now on. */
  close(): void;
}

export interface ServingAdminParts {
  readonly clock: Clock;
  readonly launches: Launches;
}

/** A whole dump of a large configuration takes a while to write. */
const PASSED_ON: AdminLimits = {
  timeoutMs: 30_000,
  maxBytes: 16 * 1024 * 1024,
  isPassedOn: true,
};
/** More than a crash or a cold handover takes from the end of one to LIVE of the next, as a rule. */
const PATIENCE_MS = 5_000;
/** Each has a connection that others may need; one more is told at once that it is no use. */
const MOST_WAITING = 64;
/** An Envoy that ends is asked in vain until its end is known. */
const PAUSE_MS = 50;

interface Question {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer | undefined;
}

export function createServingAdmin({ clock, launches }: ServingAdminParts): ServingAdmin {
  const waiting = createWaiting(clock);

  async function askOnce(question: Question): Promise<Asked> {
    const serving = newestLive(launches);
    return serving === undefined ? NOBODY : answerOf(serving, question);
  }

  async function request(question: Question): Promise<AdminAnswer> {
    const leftMsAfter = createPatience(question, clock);
    let asked = await askOnce(question);
    while ('failure' in asked) {
      const waitMs = waiting.hasRoom() ? leftMsAfter(asked.failure) : 0;
      if (waitMs <= 0) throw asked.failure;
      await waiting.forNews(waitMs);
      asked = await askOnce(question);
    }
    return asked.answer;
  }

  return {
    request: (method, path, body) => request({ method, path, body }),
    wentLive: waiting.tell,
    close: waiting.close,
  };
}

type Asked = { readonly answer: AdminAnswer } | { readonly failure: unknown };

const NOBODY: Asked = {
  failure: new AgentError(
    'nothingServes',
    'Cannot ask Envoy: none serves now. `baton status` says why.',
  ),
};

function answerOf({ admin }: LivingLaunch, { method, path, body }: Question): Promise<Asked> {
  const limits = body === undefined ? PASSED_ON : { ...PASSED_ON, body };
  return admin.request(method, path, limits).then(
    (answer) => ({ answer }),
    (failure: unknown) => ({ failure }),
  );
}

/**
 * How long may be waited, after this failure, until the question is put again; 0 when it may not be.
 * Counted from the first one on: an Envoy that answers late is another matter.
 */
function createPatience({ method }: Question, clock: Clock): (failure: unknown) => number {
  const isRead = method === 'GET' || method === 'HEAD';
  let brokenOffCount = 0;
  let untilMs: number | undefined;
  return (failure) => {
    const nowMs = clock.moment().atMs;
    untilMs ??= nowMs + PATIENCE_MS;
    const leftMs = untilMs - nowMs;
    switch (failure instanceof AgentError ? failure.code : undefined) {
      case 'nothingServes':
        return leftMs;
      case 'adminUnreached':
        return Math.min(leftMs, PAUSE_MS);
      case 'adminBrokeOff':
        // It may have been done, or be what ended Envoy: only what changes nothing, and only once.
        brokenOffCount += 1;
        return isRead && brokenOffCount === 1 ? Math.min(leftMs, PAUSE_MS) : 0;
      default:
        return 0;
    }
  };
}

/** Those who wait for another launch. */
function createWaiting(clock: Clock) {
  const wakeUps = new Set<() => void>();
  let isClosed = false;
  const tell = () => {
    for (const wakeUp of wakeUps) wakeUp();
  };
  return {
    tell,
    hasRoom: () => !isClosed && wakeUps.size < MOST_WAITING,
    close: () => {
      isClosed = true;
      tell();
    },
    forNews: (longestMs: number) =>
      new Promise<void>((resolve) => {
        const wakeUp = () => {
          cancel();
          wakeUps.delete(wakeUp);
          resolve();
        };
        const cancel = clock.after(longestMs, wakeUp);
        wakeUps.add(wakeUp);
      }),
  };
}
