/** Signals and exits. */
import { expect } from 'vitest';
import { eventually } from '../support/envoy-under-test.ts';
import type { Row } from './row.ts';
import { failureOf, handOver, LATER, launchLive, SUCCESS } from './steps.ts';

export const endingRows: readonly Row[] = [
  {
    behaviour: 'SIGTERM ends a launch with 0 and leaves its admin socket behind, refusing',
    async holds(envoy) {
      const launch = await launchLive(envoy, 0);
      launch.kill('SIGTERM');
      expect(await launch.ended).toEqual(SUCCESS);
      expect(await failureOf(launch.ask('/ready'))).toContain('ECONNREFUSED');
    },
  },
  {
    behaviour: 'SIGTERM to the newest ends its parent too',
    async holds(envoy) {
      const { parent, child } = await handOver(envoy, LATER);
      child.kill('SIGTERM');
      expect(await Promise.all([child.ended, parent.ended])).toEqual([SUCCESS, SUCCESS]);
    },
  },
  {
    behaviour: 'quitquitquit ends a launch with 0',
    async holds(envoy) {
      const launch = await launchLive(envoy, 0);
      expect((await launch.ask('/quitquitquit', 'POST')).body).toBe('OK\n');
      expect(await launch.ended).toEqual(SUCCESS);
    },
  },
  {
    behaviour: 'SIGHUP and SIGUSR1 change nothing once the admin answers',
    async holds(envoy) {
      const launch = await launchLive(envoy, 0);
      launch.kill('SIGHUP');
      launch.kill('SIGUSR1');
      await eventually(() => expect(launch.stderr()).toContain('caught and eating SIGHUP'));
      expect((await launch.ask('/ready')).body).toBe('LIVE\n');
    },
  },
  {
    behaviour: 'a launch ends when the process that started it is killed',
    async holds(envoy) {
      const launch = await launchLive(envoy, 0, { underShell: true });
      launch.kill('SIGKILL');
      await eventually(async () =>
        expect(await failureOf(launch.ask('/ready'))).toContain('ECONNREFUSED'),
      );
    },
  },
];
