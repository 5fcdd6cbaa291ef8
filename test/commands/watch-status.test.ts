import { beforeEach, describe, expect, test } from 'vitest';
import type { ControlAnswer } from '../../src/adapters/control-client.ts';
import {
  type WatchedScreen,
  type WatchingFace,
  watchStatus,
} from '../../src/commands/watch-status.ts';
import type { ScreenSize } from '../../src/commands/watch-views.ts';
import { launchIdOf } from '../../src/core/model.ts';
import { statusOf } from '../../src/core/status.ts';
import {
  crashed,
  defaultPolicy,
  handoverHappenings,
  servingHappenings,
  stateAfter,
} from '../support/agent-states.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';

const HOME = '\u001b[H';
const CLEAR_BELOW = '\u001b[J';
const GONE: ControlAnswer = { kind: 'noAgent', reason: 'there is no such socket' };
const crash = [...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]] as const;

let clock: FakeClock;
let over: AbortController;
let printed: string[];

beforeEach(() => {
  clock = createFakeClock();
  over = new AbortController();
  printed = [];
});

/** Answers in order, one a second, the last one again and again. */
function faceThat(answers: readonly ControlAnswer[], screen?: WatchingFace['screen']) {
  const left = [...answers];
  const control = {
    socketPath: '/run/baton/control.sock',
    ask: async () => (left.length > 1 ? left.shift() : left[0]) ?? GONE,
    follow: async () => GONE,
  };
  const print = (text: string | Buffer) => void printed.push(text.toString());
  const face = { control, clock, print, screen, ended: over.signal };
  return { ...face, complain: print, misnamed: () => [] } satisfies WatchingFace;
}

function statusAt(atMs: number, happenings: Parameters<typeof stateAfter>[0]): ControlAnswer {
  const status = statusOf(stateAfter(happenings), { policy: defaultPolicy, moment: { atMs } });
  return { kind: 'answered', status: 200, body: Buffer.from(JSON.stringify(status)) };
}

/** What is printed in as many seconds. */
async function watched(face: WatchingFace, seconds: number, json = false): Promise<string> {
  const watching = watchStatus({ json }, face);
  await clock.passSlowly(seconds * 1_000);
  over.abort();
  expect(await watching).toBe(0);
  expect(clock.armedAtMs()).toEqual([]);
  return printed.join('');
}

describe('a status watched through a pipe', () => {
  test('is told again only when something has changed but the time', async () => {
    const answers = [1_000, 2_000, 3_000].map((atMs) => statusAt(atMs, servingHappenings));
    const text = await watched(faceThat([...answers, statusAt(5_050, crash)]), 9);
    expect(text.match(/^ready .*$/gm)).toEqual([
      'ready          yes',
      expect.stringMatching(/^ready {10}no, backoff: attempt 1 of 10/),
    ]);
    expect(text).toMatch(/^2023-\S+Z\nready {10}yes\n[\s\S]*\n\n2023-\S+Z\nready {10}no/);
  });

  test('is not told again while a reason counts its seconds down', async () => {
    const answers = [5_010, 5_050, 5_150].map((atMs) => statusAt(atMs, crash));
    expect((await watched(faceThat(answers), 5)).match(/^ready/gm)).toHaveLength(1);
  });

  test('says once that no agent is there, and goes on when one is there again', async () => {
    const serving = statusAt(1_000, servingHappenings);
    const text = await watched(faceThat([serving, GONE, GONE, serving]), 6);
    expect(text.match(/^(?:ready|no answer) .*$/gm)).toEqual([
      'ready          yes',
      expect.stringMatching(/^no answer {6}Cannot reach an agent at \/run\/baton\/control\.sock: /),
      'ready          yes',
    ]);
  });

  test('takes an answer that is none for trouble', async () => {
    const broken: ControlAnswer = { kind: 'answered', status: 500, body: Buffer.from('a bug') };
    expect(await watched(faceThat([broken]), 2)).toContain('control.sock answered 500.');
  });

  test('is one line of JSON for each change, also where no agent is', async () => {
    const starting = statusAt(10_100, handoverHappenings);
    const face = faceThat([starting, starting, GONE, statusAt(10_200, servingHappenings)]);
    const lines = (await watched(face, 6, true)).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { at: expect.stringMatching(/Z$/), ready: true, launches: [{ id: launchIdOf(1) }, {}] },
      { at: expect.stringMatching(/Z$/), ready: false, reason: expect.stringMatching(/^Cannot/) },
      { ready: true, launches: [{ id: launchIdOf(1) }] },
    ]);
  });
});

/** Nobody presses Ctrl-Z there. */
function screenOf(size: ScreenSize): WatchedScreen {
  return { size: () => size, beforeStop: () => {} };
}

describe('a status watched on a terminal', () => {
  const screen = screenOf({ columns: 60, rows: 9 });
  const frames = () =>
    printed.slice(0, -1).map((text) => text.replace('\u001b[?1049h\u001b[?25l', ''));

  test('is drawn every second in one piece, and leaves what was there with the last look', async () => {
    const text = await watched(faceThat([statusAt(1_000, servingHappenings)], screen), 3);
    expect(text.startsWith('\u001b[?1049h\u001b[?25l\u001b[H')).toBe(true);
    expect(frames()).toHaveLength(3);
    for (const frame of frames()) {
      expect(frame.startsWith(`${HOME}now            2023`)).toBe(true);
      expect(frame.endsWith(CLEAR_BELOW)).toBe(true);
    }
    const last = printed.at(-1) ?? '';
    expect(last.startsWith('\u001b[?25h\u001b[?1049lnow ')).toBe(true);
    expect(last).toContain('30 s gone, whatever happened\n');
  });

  test('never takes more than the screen has', async () => {
    await watched(faceThat([statusAt(10_100, handoverHappenings)], screen), 2);
    for (const frame of frames()) {
      const lines = frame
        .replace(HOME, '')
        .replace(CLEAR_BELOW, '')
        .replaceAll('\u001b[K', '')
        .split('\n');
      expect(lines).toHaveLength(9);
      expect(lines.at(-1)).toMatch(/^\.\.\. and \d+ lines more$/);
      expect(Math.max(...lines.map(({ length }) => length))).toBe(59);
    }
  });

  test('says how old the last answer is when none comes any more', async () => {
    const wide = screenOf({ columns: 200, rows: 50 });
    await watched(faceThat([statusAt(1_000, servingHappenings), GONE], wide), 4);
    const last = frames().at(-1) ?? '';
    expect(last).toMatch(/now {12}2023-\S+Z, the status is 3 s old/);
    expect(last).toMatch(/\nno answer {6}Cannot reach an agent at /);
    expect(last).toMatch(/\nready {10}yes/);
  });

  test('leaves the screen as it was when it ends before anything was drawn', async () => {
    over.abort();
    expect(await watchStatus({ json: false }, faceThat([GONE], screen))).toBe(0);
    expect(printed).toEqual([]);
  });
});
