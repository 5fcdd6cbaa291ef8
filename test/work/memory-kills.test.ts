import { expect, test } from 'vitest';
import { epochOf, launchIdOf, type Outcome } from '../../src/core/model.ts';
import { tellMemoryKills } from '../../src/work/memory-kills.ts';
import { fakeMemory, fakeProcesses } from '../support/fake-ports.ts';

const KILLED: Outcome = { kind: 'killed', signal: 'SIGKILL' };
const HINT =
  'While it ran the kernel killed a process of this cgroup for want of memory: raise the memory limit.';

async function ended(outcome: Outcome, kills: number) {
  let count = 3;
  const processes = fakeProcesses();
  const memory = { ...fakeMemory(), killCount: () => count };
  const process = await tellMemoryKills(processes, memory).spawn({
    launch: launchIdOf(1),
    epoch: epochOf(0),
    binary: 'envoy',
    args: [],
  });
  processes.spawned[0]?.print('started');
  count += kills;
  processes.spawned[0]?.end(outcome);
  expect(await process.exited).toEqual(outcome);
  return process.lastLines();
}

test('a process that the kernel killed for want of memory says so last', async () => {
  expect(await ended(KILLED, 1)).toEqual(['started', HINT]);
  expect(await ended(KILLED, 2)).toEqual(['started', HINT.replace('a process', '2 processes')]);
});

test.each<[string, Outcome, number]>([
  ['killed by somebody', KILLED, 0],
  ['ended by itself', { kind: 'exited', code: 1 }, 1],
  ['aborted', { kind: 'killed', signal: 'SIGABRT' }, 1],
])('a process that was %s does not', async (_, outcome, kills) => {
  expect(await ended(outcome, kills)).toEqual(['started']);
});
