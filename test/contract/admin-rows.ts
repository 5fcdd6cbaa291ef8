/** What the admin answers and does. */
import { statSync } from 'node:fs';
import { expect } from 'vitest';
import { eventually } from '../support/envoy-under-test.ts';
import { withCertificate } from './bootstraps.ts';
import type { Row } from './row.ts';
import {
  answerOf,
  connectionHeaderOf,
  failureOf,
  holdConnection,
  launchListening,
  launchLive,
  portOf,
  statsOf,
  takePort,
  writePair,
} from './steps.ts';

export const adminRows: readonly Row[] = [
  {
    behaviour: 'the admin of --config-yaml takes the place of the one in the bootstrap',
    async holds(envoy) {
      const taken = await takePort();
      const socket_address = { address: '127.0.0.1', port_value: taken.port };
      const bootstrap = { admin: { address: { socket_address } } };
      const launch = await launchLive(envoy, 0, { bootstrap });
      expect(statSync(launch.adminPath).mode & 0o777).toBe(0o600);
      taken.release();
    },
  },
  {
    behaviour: 'a failed health check says DRAINING and is taken back',
    async holds(envoy) {
      const launch = await launchLive(envoy, 0);
      await launch.ask('/healthcheck/fail', 'POST');
      expect(await launch.ask('/ready')).toEqual({ status: 503, body: 'DRAINING\n' });
      await launch.ask('/healthcheck/ok', 'POST');
      expect(await launch.ask('/ready')).toEqual({ status: 200, body: 'LIVE\n' });
    },
  },
  {
    behaviour: 'a graceful drain with skip_exit goes on accepting',
    async holds(envoy) {
      const launch = await launchListening(envoy, 0, 0, ['--drain-time-s', '0']);
      const port = await portOf(launch);
      const drain = await launch.ask('/drain_listeners?graceful&skip_exit', 'POST');
      expect(drain).toEqual({ status: 200, body: 'OK\n' });
      expect(await answerOf(port)).toBe('epoch 0\n');
      expect(await launch.ask('/ready')).toEqual({ status: 200, body: 'LIVE\n' });
    },
  },
  {
    behaviour: 'a graceful drain closes the listeners when its time is up and does not exit',
    async holds(envoy) {
      const launch = await launchListening(envoy, 0, 0, ['--drain-time-s', '1']);
      const port = await portOf(launch);
      await launch.ask('/drain_listeners?graceful', 'POST');
      expect(await answerOf(port)).toBe('epoch 0\n');
      await eventually(async () =>
        expect(await failureOf(answerOf(port))).toContain('ECONNREFUSED'),
      );
      expect(await launch.ask('/ready')).toEqual({ status: 200, body: 'LIVE\n' });
    },
  },
  {
    behaviour: 'a response carries "connection: close" once the health check failed',
    async holds(envoy) {
      const launch = await launchListening(envoy, 0);
      const port = await portOf(launch);
      await launch.ask('/healthcheck/fail', 'POST');
      await eventually(async () => expect(await connectionHeaderOf(port)).toBe('close'));
    },
  },
  {
    behaviour: 'a mutation by GET is refused and does nothing',
    async holds(envoy) {
      const launch = await launchLive(envoy, 0);
      const body = 'Method GET not allowed, POST required.';
      for (const path of ['/healthcheck/fail', '/drain_listeners?graceful', '/quitquitquit']) {
        expect(await launch.ask(path)).toEqual({ status: 405, body });
      }
      expect((await launch.ask('/ready')).body).toBe('LIVE\n');
    },
  },
  {
    behaviour: 'the connections of a listener are counted under its address',
    async holds(envoy) {
      const launch = await launchListening(envoy, 0);
      const port = await portOf(launch);
      const countOf = async () => {
        const stats = Object.entries(await statsOf(launch));
        return stats.filter(([name]) => /^listener\.[\d.]+_\d+\.downstream_cx_active$/.test(name));
      };
      const release = await holdConnection(port);
      await eventually(async () => expect(await countOf()).toEqual([[expect.anything(), 1]]));
      release();
      await eventually(async () => expect(await countOf()).toEqual([[expect.anything(), 0]]));
    },
  },
  {
    behaviour: 'the certificates in use are told by their serial number',
    async holds(envoy) {
      const pair = await writePair(envoy);
      const launch = await launchLive(envoy, 0, { bootstrap: withCertificate(pair) });
      const { certificates } = JSON.parse((await launch.ask('/certs')).body);
      expect(certificates).toHaveLength(1);
      expect(certificates[0].cert_chain[0].serial_number).toBe(pair.serialNumber.toLowerCase());
    },
  },
];
