/** Going LIVE and taking over. */
import { expect } from 'vitest';
import { eventually } from '../support/envoy-under-test.ts';
import { listening, waitingFor } from './bootstraps.ts';
import type { Row } from './row.ts';
import {
  answerOf,
  epochOf,
  failureOf,
  flagsOf,
  handOver,
  healMemory,
  holdConnection,
  LATER,
  launchListening,
  launchLive,
  portOf,
  SOON,
  SUCCESS,
  statsOf,
} from './steps.ts';

const STOPPED_NAME = 'listener_manager.listener_stopped';
/** As the agent asks for it. */
const STOPPED = '/stats?filter=^listener_manager%5C.listener_stopped$';

export const handoverRows: readonly Row[] = [
  {
    behaviour: 'a launch is LIVE at its own epoch and its memory says so',
    async holds(envoy) {
      const launch = await launchLive(envoy, 0);
      expect(await launch.ask('/ready')).toEqual({ status: 200, body: 'LIVE\n' });
      expect(await epochOf(launch)).toBe(0);
      const memory = envoy.readMemory();
      expect(memory.readBigUInt64LE(0)).toBe(BigInt(memory.length));
      expect(memory.readBigUInt64LE(8)).toBe(11n);
      expect(flagsOf(envoy)).toBe(0n);
    },
  },
  {
    behaviour: 'the second epoch takes over and the first exits 0 by itself in time',
    async holds(envoy) {
      const { parent, child, port } = await handOver(envoy, SOON);
      await eventually(async () => expect(await answerOf(port)).toBe('epoch 1\n'));
      expect(await epochOf(child)).toBe(1);
      expect(parent.hasEnded()).toBe(false);
      expect(await parent.ended).toEqual(SUCCESS);
      expect(await answerOf(port)).toBe('epoch 1\n');
    },
  },
  {
    behaviour: 'a parent refuses new admin connections and answers the kept one to its end',
    async holds(envoy) {
      const parent = await launchLive(envoy, 0);
      const kept = parent.keepConnection();
      await kept.ask('/ready');
      await launchLive(envoy, 1, { args: LATER });
      expect(await failureOf(parent.ask('/ready'))).toContain('ECONNREFUSED');
      expect((await kept.ask('/ready')).body).toBe('LIVE\n');
      expect((await kept.ask('/server_info')).body).toContain('"restart_epoch": 0');
      expect((await kept.ask('/stats?format=json')).status).toBe(200);
      expect((await kept.ask('/healthcheck/fail', 'POST')).body).toBe('OK\n');
      expect((await kept.ask('/ready')).body).toBe('DRAINING\n');
      kept.close();
    },
  },
  {
    behaviour: 'a child counts generations and the connections of its parent',
    async holds(envoy) {
      const port = await portOf(await launchListening(envoy, 0));
      const release = await holdConnection(port);
      const child = await launchListening(envoy, 1, port);
      await eventually(async () => {
        const stats = await statsOf(child);
        expect(stats['server.hot_restart_generation']).toBe(2);
        expect(stats['server.parent_connections']).toBe(1);
      });
      release();
    },
  },
  {
    behaviour:
      'a parent counts the listeners that its child had it close, which no failed one does',
    async holds(envoy) {
      const parent = await launchListening(envoy, 0);
      const port = await portOf(parent);
      const kept = parent.keepConnection();
      const stopped = async () => (await kept.ask(STOPPED)).body;
      expect(await stopped()).toBe(`${STOPPED_NAME}: 0\n`);
      const failed = envoy.launch(1, { bootstrap: waitingFor('listeners') });
      await failed.untilReadySays('INITIALIZING');
      failed.kill('SIGKILL');
      await failed.ended;
      expect(await stopped()).toBe(`${STOPPED_NAME}: 0\n`);
      healMemory(envoy);
      const child = await launchListening(envoy, 1, port);
      await eventually(async () => expect(await stopped()).toBe(`${STOPPED_NAME}: 1\n`));
      child.kill('SIGKILL');
      await child.ended;
      expect(await stopped()).toBe(`${STOPPED_NAME}: 1\n`);
      kept.close();
    },
  },
  {
    behaviour: 'a third epoch ends the first at once',
    async holds(envoy) {
      const first = await launchLive(envoy, 0, { args: LATER });
      const second = await launchLive(envoy, 1, { args: LATER });
      const third = await launchLive(envoy, 2, { args: LATER });
      expect(await first.ended).toEqual(SUCCESS);
      expect([second.hasEnded(), third.hasEnded()]).toEqual([false, false]);
    },
  },
  {
    behaviour: 'a launch of another base id shares the port and serves when the first is gone',
    async holds(envoy) {
      const first = await launchListening(envoy, 0);
      const port = await portOf(first);
      const bootstrap = listening({ epoch: 0, port });
      const second = await launchLive(envoy, 0, { bootstrap, baseId: envoy.baseId + 1 });
      expect((await first.ask('/ready')).body).toBe('LIVE\n');
      first.kill('SIGTERM');
      await first.ended;
      await eventually(async () => expect(await answerOf(port)).toBe('epoch 0\n'));
      expect((await second.ask('/ready')).body).toBe('LIVE\n');
    },
  },
  {
    behaviour: 'a launch says what it waits for',
    async holds(envoy) {
      const first = envoy.launch(0, { bootstrap: waitingFor('clusters') });
      await first.untilReadySays('PRE_INITIALIZING');
      expect(flagsOf(envoy)).toBe(1n);
      first.kill('SIGKILL');
      await first.ended;
      const second = envoy.launch(0, { bootstrap: waitingFor('listeners') });
      await second.untilReadySays('INITIALIZING');
      expect((await second.ask('/ready')).status).toBe(503);
    },
  },
];
