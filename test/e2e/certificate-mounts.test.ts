/** Certificate folders that are mounts: put over one another, taken away, and without any events. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Authority, issueAuthority, type Leaf } from '../support/certificates.ts';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';
import {
  commandAmongOwnMounts,
  commandWithoutEvents,
  mountOver,
  unmount,
} from '../support/mounted-certificates.ts';
import { seenBy } from '../support/mounts.ts';
import { filesOf } from '../support/service-certificates.ts';

const ENDED = { msg: 'handover ended' };
const HELD = { msg: 'held at its last good state', part: 'certificates' };

let authority: Authority;
let fake: FakeEnvoy;
let world: World;

beforeEach(async () => {
  authority = await issueAuthority();
  fake = createFakeEnvoy();
  world = await openWorld({ binary: fake.binary, bootstrap: { isTls: true } });
});

afterEach(async () => {
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

const issue = () => authority.issueLeaf({ commonName: 'service.test' });

/** Each file in one step. */
async function put(folder: string, leaf: Leaf): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(filesOf(leaf))) {
    await writeFile(join(folder, `.${name}`), text);
    await rename(join(folder, `.${name}`), join(folder, name));
  }
}

async function loadedSerials(agent: RunningAgent): Promise<readonly string[]> {
  const { output } = await agent.baton('request', 'GET', '/certs');
  return [...output.matchAll(/"serial_number":\s*"([0-9a-f]+)"/g)].map(([, serial = '']) =>
    serial.toUpperCase(),
  );
}

test('a folder that is mounted over, changed and unmounted is followed each time', async () => {
  const folder = join(world.folder, 'certs');
  const [covered, mounted, changed] = [await issue(), await issue(), await issue()];
  await put(folder, covered);
  const settings = { BATON_CERT_DIRS: folder, BATON_CERT_POLL_INTERVAL: '300ms' };
  const agent = world.startAgent(settings, commandAmongOwnMounts());
  await agent.untilReady();

  await mountOver(agent.pid, folder);
  const held = await agent.untilRecord(HELD);
  await put(seenBy(agent.pid, folder), mounted);
  await agent.untilRecord({ launch: 'L2', ...ENDED });
  const afterMount = await loadedSerials(agent);
  await put(seenBy(agent.pid, folder), changed);
  await agent.untilRecord({ launch: 'L3', ...ENDED });
  const afterChange = await loadedSerials(agent);
  await unmount(agent.pid, folder);
  await agent.untilRecord({ launch: 'L4', ...ENDED });

  expect(held['problems']).toEqual(expect.arrayContaining([expect.stringContaining(folder)]));
  expect([afterMount, afterChange, await loadedSerials(agent)]).toEqual(
    [mounted, changed, covered].map(({ serialNumber }) => [serialNumber]),
  );
  expect(agent.records({ msg: 'cannot watch' })).toEqual([]);
});

test('a file system that makes no events is polled: each rotation is served, and nothing is warned of', async () => {
  const place = join(world.folder, 'place');
  const folder = join(place, 'folder');
  const [first, second, third] = [await issue(), await issue(), await issue()];
  const settings = {
    BATON_CERT_DIRS: folder,
    BATON_CERT_POLL_INTERVAL: '300ms',
    BATON_CERT_WAIT_TIME: '30s',
  };
  const agent = world.startAgent(settings, commandWithoutEvents(place));
  await agent.untilRecord({ msg: 'cannot start yet' });
  // An overlay keeps in mind which files there are, and asks what is in them.
  const origin = seenBy(agent.pid, join(place, 'origin'));
  const rewrite = async (leaf: Leaf) => {
    for (const [name, text] of Object.entries(filesOf(leaf)))
      await writeFile(join(origin, name), text);
  };

  await put(origin, first);
  await agent.untilReady();
  const atFirst = await loadedSerials(agent);
  await rewrite(second);
  await agent.untilRecord({ launch: 'L2', ...ENDED });
  const afterOne = await loadedSerials(agent);
  await rewrite(third);
  await agent.untilRecord({ launch: 'L3', ...ENDED });

  expect([atFirst, afterOne, await loadedSerials(agent)]).toEqual(
    [first, second, third].map(({ serialNumber }) => [serialNumber]),
  );
  expect(agent.records({ msg: 'cannot watch' })).toEqual([]);
});
