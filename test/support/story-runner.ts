/**
 * Plays a story: a text in which `given` sets the scene, `when` says what happens, and the lines
 * with dashes below say everything that came of it.
 */
import type { Event } from '../../src/core/events.ts';
import { initialState, step } from '../../src/core/lifecycle.ts';
import {
  type HandoverId,
  type LaunchId,
  type LineageId,
  type Mode,
  type Policy,
  requestIdOf,
  type TimerName,
} from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { desiredOf, policy } from './states.ts';
import { wordOutcome } from './story-wording.ts';

/** The same story with the dashes as they really are: equal to the text when the story is true. */
export function playStory(text: string): string {
  const stage = createStage();
  return text
    .split('\n')
    .filter((line) => !line.startsWith('- '))
    .flatMap((line) => [line, ...stage.play(line).map((outcome) => `- ${outcome}`)])
    .join('\n');
}

/** How long what serves at the beginning of a story has been LIVE. */
const LONG_AGO_MS = 300_000;

interface Stage {
  /** Takes one line and tells what came of it; nothing comes of titles, remarks and scenes. */
  readonly play: (line: string) => readonly string[];
}

function createStage(): Stage {
  let state = initialState;
  let own: Policy = policy;
  let nowMs = 0;

  function take(event: Event): readonly string[] {
    const before = state;
    const taken = step(before, event, { atMs: nowMs, chance: 0.5 }, own);
    state = taken.state;
    return wordOutcome(before, state, { effects: taken.effects, atMs: nowMs });
  }

  function pass(ms: number): readonly string[] {
    const untilMs = nowMs + ms;
    const told: string[] = [];
    for (let due = firstDue(state); due && due.atMs <= untilMs; due = firstDue(state)) {
      nowMs = due.atMs;
      told.push(...take({ type: 'timerFired', timer: due.timer }));
    }
    nowMs = untilMs;
    return told;
  }

  function setScene(words: string): void {
    const serving = /^Envoy serves (\S+)$/.exec(words)?.[1];
    if (serving === undefined) {
      own = { ...own, ...settingOf(words) };
      return;
    }
    for (const happening of [
      `the certificates become ${serving}`,
      'the checks pass',
      'L1 is LIVE',
    ]) {
      take(eventOf(happening, state));
    }
    nowMs += LONG_AGO_MS;
  }

  function play(line: string): readonly string[] {
    const [keyword, ...rest] = line.split(' ');
    const words = rest.join(' ');
    if (keyword === 'given') setScene(words);
    if (keyword !== 'when') return [];
    const [, amount, unit] = /^([\d.]+) (ms|s) pass(?:es)?$/.exec(words) ?? [];
    return amount === undefined
      ? take(eventOf(words, state))
      : pass(Number(amount) * (unit === 's' ? 1_000 : 1));
  }

  return { play };
}

function firstDue(state: State): { readonly timer: TimerName; readonly atMs: number } | undefined {
  const [first] = [...state.timers].sort(([, one], [, other]) => one - other);
  return first && { timer: first[0], atMs: first[1] };
}

type Reading<Meaning> = readonly [RegExp, (found: readonly string[], state: State) => Meaning];

const SETTINGS: readonly Reading<Partial<Policy>>[] = [
  [/^(\d+) restart tokens?$/, ([count]) => ({ restartTokens: Number(count) })],
  [/^a certificate wait of (\d+) s$/, ([s]) => ({ certificateWaitMs: Number(s) * 1_000 })],
  [/^a termination delay of (\d+) s$/, ([s]) => ({ terminationDelayMs: Number(s) * 1_000 })],
  [/^a standby$/, () => ({ standby: true })],
  [/^certificates are delivered by SDS$/, () => ({ delivery: 'sds' })],
  [/^handovers are (cold|hot|side-by-side)$/, ([mode]) => ({ handover: mode as Mode })],
];

const HAPPENINGS: readonly Reading<Event>[] = [
  [/^someone asks for a drain$/, () => ({ type: 'drainRequested', reason: 'asked by /drain' })],
  [
    /^(R\d+) asks for the way back$/,
    ([request = '']) => ({ type: 'undrainRequested', request: requestIdOf(request) }),
  ],
  [
    /^the certificates become (\S+)$/,
    ([content = '']) => ({ type: 'desiredChanged', desired: desiredOf(content) }),
  ],
  [
    /^this is missing: (.+)$/,
    ([problem = '']) => ({ type: 'desiredMissing', lacks: 'certificates', problems: [problem] }),
  ],
  [
    /^the checks pass(, but the binary speaks another version)?$/,
    ([other], state) => ({
      type: 'checksPassed',
      handover: handoverIn(state),
      speaksSameVersion: other === undefined,
      isDeliverable: true,
    }),
  ],
  [
    /^the checks fail: (.+)$/,
    ([problem = ''], state) => ({
      type: 'checksFailed',
      handover: handoverIn(state),
      problems: [problem],
      exitCode: 78,
    }),
  ],
  [
    /^(L\d+) answers (\w+)$/,
    ([launch, envoyState = '']) => ({
      type: 'launchAnswered',
      launch: launch as LaunchId,
      envoyState,
    }),
  ],
  [
    /^(L\d+) is LIVE, its certificates not proved yet$/,
    ([launch]) => ({ type: 'launchLive', launch: launch as LaunchId, awaitsProof: true }),
  ],
  [
    /^(L\d+) shows its certificates$/,
    ([launch]) => ({ type: 'certificatesProved', launch: launch as LaunchId }),
  ],
  [
    /^(L\d+) shows others: (.+)$/,
    ([launch, problem = '']) => ({
      type: 'certificatesProved',
      launch: launch as LaunchId,
      problem,
    }),
  ],
  [
    /^they are loaded$/,
    (_, state) => ({ type: 'certificatesDelivered', handover: handoverIn(state) }),
  ],
  [
    /^they are not loaded: (.+)$/,
    ([problem = ''], state) => ({
      type: 'deliveryFailed',
      handover: handoverIn(state),
      problems: [problem],
    }),
  ],
  [/^(L\d+) is LIVE$/, ([launch]) => ({ type: 'launchLive', launch: launch as LaunchId })],
  [
    /^(L\d+) exits with (\d+)(?:, saying "(.+)")?$/,
    ([launch, code, line]) => ({
      type: 'launchExited',
      launch: launch as LaunchId,
      outcome: { kind: 'exited', code: Number(code) },
      lastLines: line === undefined ? [] : [line],
    }),
  ],
  [
    /^(L\d+) dies by (SIG\w+)$/,
    ([launch, signal = '']) => ({
      type: 'launchExited',
      launch: launch as LaunchId,
      outcome: { kind: 'killed', signal },
      lastLines: [],
    }),
  ],
  [
    /^(G\d+) (is|cannot be) repaired$/,
    ([lineage, verb]) => ({
      type: 'lineageRepaired',
      lineage: lineage as LineageId,
      isSound: verb === 'is',
      reason: 'as the story says',
    }),
  ],
  [
    /^(L\d+) has (\d+|no) connections?$/,
    ([launch, count]) => ({
      type: 'connectionsCounted',
      launch: launch as LaunchId,
      count: count === 'no' ? 0 : Number(count),
    }),
  ],
  [
    /^(L\d+) has not answered for (\d+) s$/,
    ([launch, s]) => ({
      type: 'launchSilent',
      launch: launch as LaunchId,
      silentMs: Number(s) * 1_000,
    }),
  ],
  [/^(L\d+) answers again$/, ([launch]) => ({ type: 'launchHeard', launch: launch as LaunchId })],
  [/^SIGHUP comes$/, () => ({ type: 'restartRequested', trigger: 'signal', mode: 'auto' })],
  [
    /^(R\d+) asks for a restart(?:, (cold|hot|side-by-side))?$/,
    ([request = '', mode]) => ({
      type: 'restartRequested',
      trigger: 'request',
      mode: (mode ?? 'auto') as 'auto' | Mode,
      request: requestIdOf(request),
    }),
  ],
  [
    /^(SIGTERM|SIGINT|SIGQUIT) comes(?: again)?$/,
    ([reason = '']) => ({
      type: 'stopRequested',
      how: reason === 'SIGQUIT' ? 'now' : 'graceful',
      reason,
    }),
  ],
];

function settingOf(words: string): Partial<Policy> {
  return read(words, SETTINGS, initialState);
}

function eventOf(words: string, state: State): Event {
  return read(words, HAPPENINGS, state);
}

function read<Meaning>(
  words: string,
  readings: readonly Reading<Meaning>[],
  state: State,
): Meaning {
  for (const [pattern, meaning] of readings) {
    const found = pattern.exec(words);
    if (found !== null) return meaning(found.slice(1), state);
  }
  throw new Error(`A story says what nobody understands: "${words}"`);
}

function handoverIn(state: State): HandoverId {
  if (state.handover === undefined) throw new Error('A story checks what is not being checked.');
  return state.handover.id;
}
