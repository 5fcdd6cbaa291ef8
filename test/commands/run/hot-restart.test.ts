import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock as clock } from '../../../src/adapters/clock.ts';
import { createNameLocks } from '../../../src/adapters/name-locks.ts';
import {
  type OpenRunDirectory,
  openRunDirectory,
  type RunState,
} from '../../../src/adapters/run-directory.ts';
import { hotRestartDomainOf } from '../../../src/commands/run/hot-restart.ts';
import type { LogRecord } from '../../../src/core/log-record.ts';
import { lineageIdOf } from '../../../src/core/model.ts';
import type { HotRestartDomain } from '../../../src/ports.ts';
import { readSettings } from '../../../src/settings.ts';
import { fakeQueries } from '../../support/fake-ports.ts';

const [G1, G2] = [lineageIdOf(1), lineageIdOf(2)];

let folder: string;
let directory: OpenRunDirectory;
let domain: HotRestartDomain;
/** What was written, oldest first. */
let written: RunState[];
let records: LogRecord[];
let failure: Error | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-hot-restart-'));
  const locks = createNameLocks();
  const opened = await openRunDirectory(join(folder, 'run'), { version: '1', locks, clock });
  const settings = readSettings({}, FACTS);
  if (!opened.ok || !settings.ok) throw new Error('The test cannot begin.');
  directory = opened.value;
  written = [];
  records = [];
  failure = undefined;
  const noted: OpenRunDirectory = {
    ...directory,
    remember: async (state) => {
      if (failure !== undefined) throw failure;
      written.push(state);
    },
  };
  const parts = { settings: settings.value, binary: 'envoy', directory: noted, locks };
  const lastRun = { baseIds: [] };
  const log = { ...SILENT, record: (record: LogRecord) => void records.push(record) };
  domain = hotRestartDomainOf({ ...parts, lastRun, log }, fakeQueries());
});

afterEach(async () => {
  for (const lineage of [G1, G2]) domain.release(lineage);
  await directory.release();
  await rm(folder, { recursive: true });
});

const FACTS = {
  cpuCount: 1,
  envoyOnPath: undefined,
  isTerminal: false,
  hostName: 'host',
  runDirectory: '/run/none',
};
const SILENT = {
  setLevel: () => {},
  envoyLine: () => {},
  load: async () => {},
  flush: async () => {},
  droppedCount: () => 0,
};

async function reserve(lineage = G1): Promise<number> {
  const reserved = await domain.reserve(lineage);
  if (!reserved.ok) throw new Error(JSON.stringify(reserved.problems));
  return reserved.value;
}

test('base ids are written down before their first launch, and not again before every other', async () => {
  const first = await reserve();
  expect(written).toEqual([{ baseIds: [first] }]);
  await reserve();
  expect(written).toHaveLength(1);

  const second = await reserve(G2);
  await reserve();
  expect(written.slice(1)).toEqual([{ baseIds: [first, second] }]);

  domain.release(G1);
  await reserve(G2);
  await reserve(G2);
  expect(written.slice(2)).toEqual([{ baseIds: [second] }]);
});

test('base ids that could not be written down are tried again at the next launch', async () => {
  failure = new Error('its file system is full');
  const baseId = await reserve();
  expect(records).toEqual([
    { level: 'warn', message: 'trouble', fields: { reason: 'its file system is full' } },
  ]);
  failure = undefined;
  await reserve();
  expect(written).toEqual([{ baseIds: [baseId] }]);
});
