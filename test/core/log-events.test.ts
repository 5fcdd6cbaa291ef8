import { describe, expect, test } from 'vitest';
import { LOG_EVENTS } from '../../src/core/log-events.ts';

describe.for(Object.entries(LOG_EVENTS))('the message %j', ([, event]) => {
  test('says in a line what it means and what to do, as cells of a table', () => {
    for (const text of [event.meaning, event.advice ?? '-'])
      expect(text).toMatch(/^[^|\n]*[^|\n.]$/);
  });

  test('has advice where someone is to act or to look', () => {
    const asksForOne = event.levels[0] === 'error' || event.levels[0] === 'fatal';
    if (asksForOne) expect(event.advice).toBeDefined();
  });

  test('names each field once', () => {
    expect(new Set(event.fields).size).toBe(event.fields?.length ?? 0);
  });
});
