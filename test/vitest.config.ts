import { defineConfig, type Plugin } from 'vitest/config';

/** The same as the build's text loader: a built-in template is imported as its text. */
const yamlAsText: Plugin = {
  name: 'yaml-as-text',
  transform(code, id) {
    return id.endsWith('.yaml')
      ? { code: `export default ${JSON.stringify(code)}`, map: null }
      : undefined;
  },
};

/** Where .ci/run wants the figures of the run. */
const reportPath = process.env['VITEST_REPORT'];

export default defineConfig({
  plugins: [yamlAsText],
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    reporters: reportPath ? ['default', ['json', { outputFile: reportPath }]] : ['default'],
  },
});
