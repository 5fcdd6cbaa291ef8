import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const bundle = readFileSync(new URL('../../dist/baton.mjs', import.meta.url), 'utf8');

test('what only some agents need of Node is not loaded before Envoy is started', () => {
  const imported = [...bundle.matchAll(/\bfrom\s?"node:([\w/]+)"/g)].map(([, name]) => name);

  expect(imported).toContain('net');
  expect(imported.filter((name) => /^(https?|http2|tls|zlib)$/.test(name ?? ''))).toEqual([]);
});
