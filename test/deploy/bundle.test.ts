/** What is built, as Node keeps it. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url);

test('the program is all ASCII, which Node keeps in one byte for each character', async () => {
  const text = await readFile(PROGRAM, 'utf8');

  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is ASCII that is meant.
  const [other] = /.{0,60}[^\x00-\x7f]/.exec(text) ?? [];
  expect(other).toBeUndefined();
});
