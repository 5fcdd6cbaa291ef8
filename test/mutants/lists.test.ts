import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { mutants } from './lists.ts';
import { mutate } from './mutant.ts';

test.each(mutants.map((mutant) => [`${mutant.file}: ${mutant.name}`, mutant] as const))(
  'the mutant "%s" can be made of the source as it is',
  async (_, mutant) => {
    const source = await readFile(
      new URL(`../../src/core/${mutant.file}`, import.meta.url),
      'utf8',
    );
    expect(mutate(source, mutant)).not.toBe(source);
    expect(mutate(source, mutant)).toBeDefined();
  },
);

test('no two mutants have the same name', () => {
  const names = mutants.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});
