import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const summary = new URL('../../.ci/summary.mjs', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'baton-summary-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  message: 'its reason',
  status,
  assertionResults: tests.map((state) => ({ status: state })),
});

test.for([
  ['all pass', [file('passed', 'passed', 'passed')], 0, '2 passed, 0 failed, 0 skipped', 0],
  ['one fails', [file('failed', 'passed', 'failed')], 1, '1 passed, 1 failed, 0 skipped', 1],
  ['one is skipped', [file('passed', 'passed', 'pending')], 0, '1 passed, 0 failed, 1 skipped', 1],
  ['a file cannot be loaded', [file('failed')], 1, '0 passed, 1 failed, 0 skipped', 1],
  ['types or lint stop it', undefined, 2, '0 passed, 1 failed, 0 skipped', 2],
] as const)('summary tells and ends as it should when %s', ([, testResults, code, line, exit]) => {
  const report = join(folder, 'report.json');
  writeFileSync(report, testResults === undefined ? '' : JSON.stringify({ testResults }));

  const ended = spawnSync(process.execPath, [summary, report, String(code)], { encoding: 'utf8' });

  expect(ended.stdout.trimEnd().split('\n').at(-1)).toBe(line);
  expect(ended.status).toBe(exit);
});
