/** Who has asked for a restart and waits for its end, and what they are told until then. */
import type { Agent } from '../agent.ts';
import { type Mode, type RequestId, requestIdOf } from '../core/model.ts';
import {
  heldNotes,
  type RestartNote,
  restartNote,
  restartProgress,
} from '../core/restart-progress.ts';
import type { HandoverEnd } from '../core/state.ts';
import type { Clock } from '../ports.ts';
import type { AskedRestart } from './agent-face.ts';

export interface AskedRestarts {
  ask(mode: 'auto' | Mode): AskedRestart;
  /** A way back into rotation; undefined where there was nothing to replace. */
  askBack(): Promise<HandoverEnd | undefined>;
  /** Tells those who asked for a handover how it ended. */
  answer(requests: readonly RequestId[], end: HandoverEnd): void;
}

/** From one look at what is waited for to the next, while someone reads it. */
const LOOK_EVERY_MS = 200;
/** That a reader has gone is noticed when something is written. */
const LOOKS_UNTIL_HEARTBEAT = 15;

export function createAskedRestarts(agent: Agent, clock: Clock): AskedRestarts {
  const asking = new Map<RequestId, (end: HandoverEnd) => void>();
  let askedCount = 0;

  function open() {
    askedCount += 1;
    const request = requestIdOf(`R${askedCount}`);
    const ended = new Promise<HandoverEnd>((resolve) => asking.set(request, resolve));
    return { request, ended };
  }

  async function* progressOf(
    request: RequestId,
    ended: Promise<HandoverEnd>,
  ): AsyncGenerator<RestartNote | undefined> {
    yield* heldNotes(agent.state());
    let told: string | undefined;
    for (let look = 1; asking.has(request); look += 1) {
      const now = restartProgress(agent.state(), request);
      if (now !== undefined && now.doing !== told) {
        told = now.doing;
        yield restartNote(now, clock.moment().atMs);
      } else if (look % LOOKS_UNTIL_HEARTBEAT === 0) yield undefined;
      await pauseUnless(ended, clock);
    }
  }

  return {
    ask: (mode) => {
      const { request, ended } = open();
      agent.post({ type: 'restartRequested', trigger: 'request', mode, request });
      return { ended, progress: () => progressOf(request, ended) };
    },
    askBack: async () => {
      const { request, ended } = open();
      agent.post({ type: 'undrainRequested', request });
      const isAwaited = agent.state().drained?.returning?.includes(request) === true;
      if (isAwaited || !asking.has(request)) return ended;
      asking.delete(request);
      return undefined;
    },
    answer: (requests, end) => {
      for (const request of requests) {
        asking.get(request)?.(end);
        asking.delete(request);
      }
    },
  };
}

function pauseUnless(ended: Promise<unknown>, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(LOOK_EVERY_MS, resolve);
    void ended.then(cancel).then(resolve);
  });
}
