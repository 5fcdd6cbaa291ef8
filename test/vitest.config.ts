import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';
import { BUNDLED, bundledTextModule } from '../deploy/bundled-text.ts';

/** The same as the build's text loader: a built-in template is imported as its text. */
const yamlAsText: Plugin = {
  name: 'yaml-as-text',
  transform(code, id) {
    return id.endsWith('.yaml')
      ? { code: `export default ${JSON.stringify(code)}`, map: null }
      : undefined;
  },
};

const BUNDLED_ID = '\0bundled-text:';

/** The same as the build's: what the page needs of the browser. Vite must not take it for a style. */
const pageAsText: Plugin = {
  name: 'page-as-text',
  enforce: 'pre',
  resolveId: (source, importer = '') => {
    const path = resolve(dirname(importer), source.replace(BUNDLED, ''));
    return BUNDLED.test(source) ? `${BUNDLED_ID}${path}:` : undefined;
  },
  load: (id) =>
    id.startsWith(BUNDLED_ID) ? bundledTextModule(id.slice(BUNDLED_ID.length, -1)) : undefined,
};

/** Where .ci/run wants the figures of the run. */
const reportPath = process.env['VITEST_REPORT'];

export default defineConfig({
  plugins: [yamlAsText, pageAsText],
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Most of a test's time is waiting for processes; left to itself vitest takes a core less than there are.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    reporters: reportPath ? ['default', ['json', { outputFile: reportPath }]] : ['default'],
  },
});
