import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { preferAsVictim } from '../../../src/adapters/envoy-process/oom-preference.ts';

const scoreOf = (pid: number | 'self') => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim();

test('a process is the first to be killed until that is taken back', async () => {
  const child = spawn('sleep', ['60']);
  const pid = child.pid ?? 0;

  preferAsVictim(pid, true);
  expect(scoreOf(pid)).toBe('1000');
  preferAsVictim(pid, false);
  expect(scoreOf(pid)).toBe(scoreOf('self'));

  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  expect(() => preferAsVictim(pid, true)).not.toThrow();
});
