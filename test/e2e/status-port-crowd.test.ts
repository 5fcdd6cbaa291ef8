import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';
import { anonymousKb } from '../support/process-memory.ts';

const CROWD = new URL('../fixtures/crowd.mjs', import.meta.url).pathname;
const COUNT = 10_000;
/** What the kubelet does unless told otherwise. */
const KUBELET = { timeoutMs: 1_000, failureThreshold: 3, address: '127.0.0.2' };

let fake: FakeEnvoy;
let world: World;
let crowd: ChildProcess | undefined;

afterEach(async () => {
  if (crowd !== undefined) {
    const ended = once(crowd, 'exit');
    if (crowd.kill('SIGKILL')) await ended;
  }
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

/** Whoever opens so many needs as many descriptors as the machine lets it have. */
function gather(port: number): ChildProcess {
  const script = 'ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"';
  const args = ['-c', script, process.execPath, CROWD, `${port}`, `${COUNT}`];
  return spawn('/bin/sh', args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Whether it is answered 200 within the kubelet's time, else what came instead. */
function probe(port: number, localAddress: string): Promise<string> {
  return new Promise((resolve) => {
    const path = '/healthz/ready';
    const asked = get({ host: '127.0.0.1', port, path, localAddress, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(`${answer.statusCode}`));
    }).on('error', ({ name, message }) => resolve(`${name}: ${message}`));
    // An answer that has come in time counts, though it is this process that reads it late.
    const giveUp = () => setImmediate(() => asked.destroy(new Error('no answer in time')));
    const timer = setTimeout(giveUp, KUBELET.timeoutMs);
    asked.on('close', () => clearTimeout(timer));
  });
}

test('the kubelet hears that the agent is ready while ten thousand connections are made and held', {
  timeout: 180_000,
}, async () => {
  fake = createFakeEnvoy();
  world = await openWorld({ binary: fake.binary });
  const agent = await world.startReadyAgent();
  const usedKb: number[] = [];
  const seen: string[] = [];
  const ask = async () => {
    seen.push(await probe(world.statusPort, KUBELET.address));
    usedKb.push(anonymousKb(agent.pid));
  };

  crowd = gather(world.statusPort);
  const made = once(crowd.stdout ?? crowd, 'data').then(() => 'made');
  const isMade = () => Promise.race([made, Promise.resolve(undefined)]);
  while ((await isMade()) === undefined) await ask();
  for (let count = 0; count < 50; count += 1) await ask();
  crowd.stdin?.write('enough\n');
  const inTheEnd = await Promise.all(
    Array.from({ length: 10 }, () => probe(world.statusPort, KUBELET.address)),
  );

  // So many failures in a row, and a pod is taken out of service or restarted.
  const inARow = seen.filter((_, at) =>
    seen.slice(at, at + KUBELET.failureThreshold).every((answer) => answer !== '200'),
  );
  expect(inARow).toEqual([]);
  expect(inTheEnd).toEqual(Array(10).fill('200'));
  // Once there is no more room, who comes later takes the place of another.
  const most = (from: number, to: number) =>
    Math.max(...usedKb.slice(from * usedKb.length, to * usedKb.length));
  expect(most(2 / 3, 1) / most(1 / 3, 2 / 3)).toBeLessThan(1.25);
  expect((await agent.status()).launches).toMatchObject([{ id: 'L1', stage: 'live' }]);
});
