/** What a failure leaves behind. */
import { expect } from 'vitest';
import { eventually } from '../support/envoy-under-test.ts';
import { listening, waitingFor } from './bootstraps.ts';
import type { Row } from './row.ts';
import {
  ABORT,
  answerOf,
  failureOf,
  flagsOf,
  handOver,
  healMemory,
  isStillInitializing,
  LATER,
  lastLineIs,
  launchListening,
  launchLive,
  portOf,
  REFUSAL,
  SOON,
  SUCCESS,
  takePort,
} from './steps.ts';

export const failureRows: readonly Row[] = [
  {
    behaviour: 'a child that cannot bind poisons its lineage until the bit is cleared',
    async holds(envoy) {
      const parent = await launchListening(envoy, 0);
      const port = await portOf(parent);
      const taken = await takePort();
      const child = envoy.launch(1, { bootstrap: listening({ epoch: 1, port: taken.port }) });
      expect(await child.ended).toEqual(REFUSAL);
      await lastLineIs(child, `cannot bind '127.0.0.1:${taken.port}': Address already in use`);
      taken.release();
      expect(await failureOf(parent.ask('/ready'))).toContain('ECONNREFUSED');
      expect(await answerOf(port)).toBe('epoch 0\n');
      await isStillInitializing(envoy, 1);
      healMemory(envoy);
      await launchListening(envoy, 1, port, SOON);
      expect(await parent.ended).toEqual(SUCCESS);
    },
  },
  {
    behaviour: 'a child with an unreadable bootstrap poisons and leaves the parent its admin',
    async holds(envoy) {
      const parent = await launchLive(envoy, 0);
      const child = envoy.launch(1, { bootstrap: { no_such_field: 1 } });
      expect(await child.ended).toEqual(REFUSAL);
      expect(child.stderr()).toContain('no_such_field');
      expect((await parent.ask('/ready')).body).toBe('LIVE\n');
      await isStillInitializing(envoy, 1);
    },
  },
  {
    behaviour: 'SIGKILL to an initializing child leaves the parent serving and the bit set',
    async holds(envoy) {
      const port = await portOf(await launchListening(envoy, 0));
      const child = envoy.launch(1, { bootstrap: waitingFor('listeners') });
      await child.untilReadySays('INITIALIZING');
      child.kill('SIGKILL');
      expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' });
      expect(await answerOf(port)).toBe('epoch 0\n');
      expect(flagsOf(envoy)).toBe(1n);
    },
  },
  {
    behaviour: 'SIGTERM to an initializing child ends its parent too, both with 0',
    async holds(envoy) {
      const parent = await launchLive(envoy, 0);
      const child = envoy.launch(1, { bootstrap: waitingFor('listeners') });
      await child.untilReadySays('INITIALIZING');
      child.kill('SIGTERM');
      expect(await Promise.all([child.ended, parent.ended])).toEqual([SUCCESS, SUCCESS]);
    },
  },
  {
    behaviour: 'an epoch beyond an initializing one is refused and disturbs nobody',
    async holds(envoy) {
      await launchLive(envoy, 0);
      const child = envoy.launch(1, { bootstrap: waitingFor('listeners') });
      await child.untilReadySays('INITIALIZING');
      await isStillInitializing(envoy, 2);
      expect((await child.ask('/ready')).body).toBe('INITIALIZING\n');
    },
  },
  {
    behaviour: 'the same epoch starts again after a child died behind a draining parent',
    async holds(envoy) {
      const { parent, child, port } = await handOver(envoy, LATER);
      await eventually(async () => expect(await answerOf(port)).toBe('epoch 1\n'));
      child.kill('SIGKILL');
      await child.ended;
      expect(await failureOf(answerOf(port))).toContain('ECONNREFUSED');
      expect(flagsOf(envoy)).toBe(0n);
      await launchListening(envoy, 1, port, SOON);
      await eventually(async () => expect(await answerOf(port)).toBe('epoch 1\n'));
      expect(await parent.ended).toEqual(SUCCESS);
    },
  },
  {
    behaviour: 'a child whose parent was killed goes silent and aborts',
    async holds(envoy) {
      const { parent, child } = await handOver(envoy, LATER);
      parent.kill('SIGKILL');
      await eventually(async () =>
        expect(await failureOf(child.ask('/ready'))).toContain('no answer'),
      );
      expect(await child.ended).toEqual(ABORT);
      expect(child.stderr()).toContain('hot restart sendmsg() failed: returned -1, errno 111');
    },
  },
  {
    behaviour: 'a child that never had a parent aborts after ten tries',
    async holds(envoy) {
      const parent = await launchLive(envoy, 0);
      parent.kill('SIGTERM');
      await parent.ended;
      const child = envoy.launch(1);
      expect(await child.ended).toEqual(ABORT);
      const retries = child.stderr().match(/connection refused, retrying/g);
      expect(retries).toHaveLength(10);
    },
  },
  {
    behaviour: 'an epoch without shared memory aborts at once',
    async holds(envoy) {
      const launch = envoy.launch(1);
      expect(await launch.ended).toEqual(ABORT);
      expect(launch.stderr()).toContain(
        `cannot open shared memory region /envoy_shared_memory_${envoy.baseId * 10} check user permissions. Error: No such file or directory`,
      );
    },
  },
  {
    behaviour: 'a child of another protocol version aborts and the parent serves on',
    async holds(envoy) {
      const parent = await launchLive(envoy, 0);
      const memory = envoy.readMemory();
      memory.writeBigUInt64LE(12n, 8);
      envoy.writeMemory(memory);
      const child = envoy.launch(1);
      expect(await child.ended).toEqual(ABORT);
      expect(child.stderr()).toContain('Hot restart version mismatch!');
      expect((await parent.ask('/ready')).body).toBe('LIVE\n');
    },
  },
  {
    behaviour: 'an epoch whose names are held is refused and disturbs nobody',
    async holds(envoy) {
      const holder = await launchLive(envoy, 0);
      const launch = envoy.launch(0);
      expect(await launch.ended).toEqual(REFUSAL);
      await lastLineIs(
        launch,
        `unable to bind domain socket with base_id=${envoy.baseId * 10}, id=0, errno=98 (see --base-id option)`,
      );
      expect((await holder.ask('/ready')).body).toBe('LIVE\n');
    },
  },
  {
    behaviour: 'an epoch 0 beside a living epoch 1 is not refused: their names differ',
    async holds(envoy) {
      const { parent, child } = await handOver(envoy, SOON);
      await parent.ended;
      await launchLive(envoy, 0);
      expect((await child.ask('/ready')).body).toBe('LIVE\n');
    },
  },
];
