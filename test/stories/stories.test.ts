/** Each story says what the agent promises, step by step. Its expected lines are written by hand. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { playStory } from '../support/story-runner.ts';

const stories = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'));

describe('a story', () => {
  it.each(stories)('%s is true', (name) => {
    const text = readFileSync(`${import.meta.dirname}/${name}`, 'utf8');
    expect(playStory(text)).toBe(text);
  });

  it('is told for every promise', () => {
    expect(stories.length).toBeGreaterThanOrEqual(14);
  });
});
