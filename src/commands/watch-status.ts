/** `baton status --watch`: the status again and again, until Ctrl-C or until nobody reads it. */
import type { ControlAnswer } from '../adapters/control-client.ts';
import type { Status } from '../core/status.ts';
import type { Clock } from '../ports.ts';
import { type AskingFace, COMMAND_EXIT, unansweredText } from './asking.ts';
import type { StatusOptions } from './status.ts';
import {
  changesAsJson,
  changesAsText,
  type Look,
  onScreen,
  type ScreenSize,
  type WatchView,
} from './watch-views.ts';

export interface WatchingFace extends AskingFace {
  /** Aborted when it is to end. */
  readonly ended: AbortSignal;
  /** Undefined where the output is no terminal that can be drawn on. */
  readonly screen: WatchedScreen | undefined;
}

export interface WatchedScreen {
  /** By now. */
  size(): ScreenSize;
  /** Has this called when the process is about to be put aside, by Ctrl-Z. */
  beforeStop(leave: () => void): void;
}

const LOOK_EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 2_000;

/** Goes on while no agent answers: it may be about to be started again. @returns 0 */
export async function watchStatus({ json }: StatusOptions, face: WatchingFace): Promise<number> {
  const view = viewFor(json, face);
  const { ended, clock } = face;
  let known: Known | undefined;
  try {
    while (!ended.aborted) {
      const { look, ...found } = await lookOnce(face, known);
      known = found.known;
      if (!ended.aborted) view.show(look);
      await pause(LOOK_EVERY_MS, clock, ended);
    }
  } finally {
    view.leave();
  }
  return COMMAND_EXIT.done;
}

function viewFor(json: boolean, { print, screen }: WatchingFace): WatchView {
  if (json) return changesAsJson(print);
  if (screen === undefined) return changesAsText(print);
  const view = onScreen(print, screen.size);
  screen.beforeStop(view.leave);
  return view;
}

interface Known {
  readonly status: Status;
  readonly atMs: number;
}

async function lookOnce(face: WatchingFace, before: Known | undefined) {
  const { control, clock } = face;
  const answer = await control.ask('GET', '/status', ANSWER_WITHIN_MS);
  const { atMs } = clock.moment();
  const trouble = troubleIn(answer, face);
  const known =
    answer.kind === 'answered' && trouble === undefined
      ? { status: JSON.parse(answer.body.toString()) as Status, atMs }
      : before;
  const look: Look = {
    wallMs: clock.wallMs(),
    ageMs: known === undefined ? 0 : atMs - known.atMs,
    ...(known === undefined ? {} : { status: known.status }),
    ...(trouble === undefined ? {} : { trouble }),
  };
  return { known, look };
}

function troubleIn(answer: ControlAnswer, face: WatchingFace): string | undefined {
  if (answer.kind !== 'answered') return unansweredText(answer, face);
  if (answer.status === 200) return undefined;
  return `The agent at ${face.control.socketPath} answered ${answer.status}.`;
}

function pause(ms: number, clock: Clock, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      cancel();
      ended.removeEventListener('abort', over);
      resolve();
    };
    const cancel = clock.after(ms, over);
    ended.addEventListener('abort', over);
    if (ended.aborted) over();
  });
}
