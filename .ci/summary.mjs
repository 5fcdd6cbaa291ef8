/**
 * Prints "N passed, N failed, N skipped" from vitest's JSON report and exits with what follows of it
 * and of the test command's own code. A skipped test is no pass here.
 *
 *   node .ci/summary.mjs REPORT EXIT_CODE
 */
import { readFileSync } from 'node:fs';

const [, , path = '', code = '1'] = process.argv;
const report = JSON.parse(readFileSync(path, 'utf8') || '{"testResults":[]}');
const tests = report.testResults.flatMap((file) => file.assertionResults);
const count = (...states) => tests.filter(({ status }) => states.includes(status)).length;

// A file that can't be loaded, or whose set-up fails, has no failed test of its own.
const brokenFiles = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed'),
);
const seen = count('failed') + brokenFiles.length;
const failed = seen === 0 && code !== '0' ? 1 : seen;
const skipped = count('pending', 'skipped', 'todo', 'disabled');

const lines = brokenFiles.map((file) => `Cannot run ${file.name}: ${file.message}`);
lines.push(`${count('passed')} passed, ${failed} failed, ${skipped} skipped`);
process.stdout.write(`${lines.join('\n')}\n`);
process.exitCode = failed + skipped > 0 ? Number(code) || 1 : 0;
