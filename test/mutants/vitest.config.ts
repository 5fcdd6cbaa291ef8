import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import everything from '../vitest.config.ts';

/** Those that take longest: most mutants are killed by another one before. */
const LAST = /\.model\.test|exposition|plain-samples/;

class ShortestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLast = ({ moduleId }: TestSpecification) => Number(LAST.test(moduleId));
    return [...files].sort((one, other) => isLast(one) - isLast(other));
  }
}

/** The tests that a mutant of the core has to get past: nothing is built, no process is started. */
export default defineConfig({
  ...everything,
  cacheDir: '.vite',
  test: {
    ...everything.test,
    globalSetup: [],
    include: ['test/core/**/*.test.ts', 'test/stories/**/*.test.ts'],
    isolate: false,
    maxWorkers: 1,
    bail: 1,
    sequence: { sequencer: ShortestFirst },
  },
});
