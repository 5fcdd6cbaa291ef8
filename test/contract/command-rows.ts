/** The command line: queries, validation, refusals. */
import { expect } from 'vitest';
import { withCertificate } from './bootstraps.ts';
import type { Row } from './row.ts';
import { launchLive, REFUSAL, SUCCESS, writeBootstrap, writePair } from './steps.ts';

export const commandRows: readonly Row[] = [
  {
    behaviour: 'the hot restart version is told on stderr and by the admin alike',
    async holds(envoy) {
      const told = await envoy.run(['--hot-restart-version', '--base-id', `${envoy.baseId}`]);
      expect(told).toEqual({ ...SUCCESS, stdout: '', stderr: '11.104' });
      const launch = await launchLive(envoy, 0);
      expect((await launch.ask('/hot_restart_version')).body).toBe(told.stderr);
      const switchedOff = await envoy.run(['--hot-restart-version', '--disable-hot-restart']);
      expect(switchedOff.stderr).toBe('disabled');
    },
  },
  {
    behaviour: 'the version is told on stdout',
    async holds(envoy) {
      const told = await envoy.run(['--version']);
      expect(told).toMatchObject(SUCCESS);
      expect(told.stdout).toMatch(/^\n.* version: \w+\/1\.\d+\.\d+\/Clean\/RELEASE\/BoringSSL\n/);
    },
  },
  {
    behaviour: 'validation accepts a good bootstrap and touches no shared memory',
    async holds(envoy) {
      const path = writeBootstrap(envoy, {});
      const args = ['--mode', 'validate', '-c', path, '--base-id', `${envoy.baseId}`];
      const verdict = await envoy.run(args);
      expect(verdict).toMatchObject({ ...SUCCESS, stdout: `configuration '${path}' OK\n` });
      expect(() => envoy.readMemory()).toThrow('ENOENT');
    },
  },
  {
    behaviour: 'validation refuses an unknown field and a key of another certificate',
    async holds(envoy) {
      const { chainPath } = await writePair(envoy);
      const { keyPath } = await writePair(envoy, 'other');
      const refused = [
        [{ no_such_field: 1 }, 'no_such_field'],
        [withCertificate({ chainPath, keyPath }), 'KEY_VALUES_MISMATCH'],
        [withCertificate({ chainPath: '/none.pem', keyPath }), 'certificate chain not set'],
      ] as const;
      for (const [bootstrap, reason] of refused) {
        const path = writeBootstrap(envoy, bootstrap);
        const verdict = await envoy.run(['--mode', 'validate', '-c', path]);
        expect(verdict).toMatchObject(REFUSAL);
        expect(verdict.stderr).toContain(`error initializing configuration '${path}': `);
        expect(verdict.stderr).toContain(reason);
      }
    },
  },
  {
    behaviour: 'a command line in another form is refused',
    async holds(envoy) {
      const refused = [
        [['--restart-epoch=1'], "Couldn't find match for argument"],
        [['--base-id', '1', '--base-id', '1'], 'Argument already set!'],
        [['--restart-epoch', 'x'], "Couldn't read argument value from string 'x'"],
        [['--mode', 'bogus'], "error: unknown mode 'bogus'"],
        [['--log-level', 'bogus'], "error: invalid log level specified 'bogus'"],
        [['--mode', 'validate'], 'At least one of --config-path or --config-yaml'],
        [['--mode', 'validate', '-c', '/none.json'], 'Invalid path: /none.json'],
      ] as const;
      for (const [args, reason] of refused) {
        const verdict = await envoy.run(args);
        expect(verdict).toMatchObject(REFUSAL);
        expect(verdict.stderr).toContain(reason);
      }
    },
  },
  {
    behaviour: 'the log format makes every line JSON',
    async holds(envoy) {
      const format = '{"t":"%Y-%m-%dT%T.%e","l":"%l","n":"%n","p":%P,"m":"%j"}';
      const launch = await launchLive(envoy, 0, { args: ['--log-format', format] });
      launch.kill('SIGTERM');
      await launch.ended;
      const records = launch
        .stderr()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
      const named = { l: 'warning', n: 'main', p: launch.pid };
      expect(records).toContainEqual(
        expect.objectContaining({ ...named, m: 'caught ENVOY_SIGTERM' }),
      );
    },
  },
];
