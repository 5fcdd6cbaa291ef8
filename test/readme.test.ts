import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderSettingsMarkdown } from '../src/commands/settings.ts';

test('the table of settings in the README is the one that the program prints', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, shown] = /<!-- settings -->\n([\s\S]*?)<!-- \/settings -->/.exec(readme) ?? [];

  expect(shown?.trim()).toBe(renderSettingsMarkdown().trim());
});
