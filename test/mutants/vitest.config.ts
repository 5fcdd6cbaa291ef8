import { defineConfig } from 'vitest/config';
import everything from '../vitest.config.ts';

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
  },
});
