import { describe, expect, it } from 'vitest';
import { lastWords } from '../../src/core/last-words.ts';
import { EXIT } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { attemptOf, serving } from '../support/states.ts';

const stopped = (reason: string, crashes: State['crashes'] = []): State => ({
  ...serving,
  crashes,
  stop: {
    ...{ how: 'now', step: 'terminating', exitCode: EXIT.tokensSpent, reason },
    ...{ askedCount: 1, lastAskedAtMs: 0, startedAtMs: 0, minReached: false },
  },
});

describe('the last words', () => {
  it('are none when the agent was asked to stop', () => {
    expect(lastWords(stopped('SIGTERM'), EXIT.stopped)).toBe('');
  });

  it('are the code and the reason', () => {
    expect(lastWords(stopped('a third signal'), EXIT.cutShort)).toBe('exit 137: a third signal\n');
  });

  it('name the last attempts, each with the last line Envoy wrote', () => {
    const crashes = Array.from({ length: 11 }, (_, at) =>
      attemptOf(at + 1, { lastLines: ['first', `line of ${at + 1}`] }),
    );
    const lines = lastWords(stopped('all tokens are spent', crashes), EXIT.tokensSpent).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'exit 255: all tokens are spent',
      '(6 earlier ones left out)',
      'L7 (epoch 0) exited with code 1: line of 7',
    ]);
    expect(lines).toHaveLength(8);
  });
});
