/** What is built, as Node reads and keeps it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const bundle = readFileSync(new URL('../../dist/baton.mjs', import.meta.url), 'utf8');

test('what only some agents need of Node is not loaded before Envoy is started', () => {
  const imported = [...bundle.matchAll(/\bfrom\s?"node:([\w/]+)"/g)].map(([, name]) => name);

  expect(imported).toContain('net');
  expect(imported.filter((name) => /^(https?|http2|tls|zlib)$/.test(name ?? ''))).toEqual([]);
});

test('the program is all ASCII, which Node keeps in one byte for each character', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is ASCII that is meant.
  const [other] = /.{0,60}[^\x00-\x7f]/.exec(bundle) ?? [];

  expect(other).toBeUndefined();
});
