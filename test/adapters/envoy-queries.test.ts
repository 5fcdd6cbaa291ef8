import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock as clock } from '../../src/adapters/clock.ts';
import { createEnvoyQueries } from '../../src/adapters/envoy-queries.ts';
import { ENVOY_LOG_FORMAT } from '../../src/core/envoy-line.ts';
import type { Clock } from '../../src/ports.ts';
import { envoyBinary } from '../support/envoy-binary.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';

let folder: string;
let fake: FakeEnvoy;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-queries-'));
  fake = createFakeEnvoy();
});

afterEach(async () => {
  fake.remove();
  await rm(folder, { recursive: true, force: true });
});

const queries = createEnvoyQueries({ clock });

/** A shell script in Envoy's place. */
function script(text: string): string {
  const path = join(folder, 'envoy');
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

function bootstrapFile(json: object): readonly string[] {
  const path = join(folder, 'bootstrap.json');
  writeFileSync(path, JSON.stringify(json));
  return ['--config-path', path, '--restart-epoch', '0', '--base-id', '7777'];
}

const accessLogToStdout = {
  static_resources: {
    listeners: [
      {
        address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
        filter_chains: [
          {
            filters: [
              {
                name: 'tcp',
                typed_config: {
                  '@type':
                    'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
                  stat_prefix: 'tcp',
                  cluster: 'none',
                  access_log: [
                    {
                      name: 'stdout',
                      typed_config: {
                        '@type':
                          'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
                        path: '/dev/stdout',
                      },
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
    clusters: [{ name: 'none', type: 'STATIC' }],
  },
};

describe('a real Envoy', () => {
  const binary = envoyBinary('1.40.0');

  test('is asked for its versions', async () => {
    expect(await queries.hotRestartVersion(binary)).toEqual({ ok: true, value: '11.104' });
    expect(await queries.version(binary)).toEqual({
      ok: true,
      value: expect.stringMatching(/^[0-9a-f]{40}\/1\.40\.0\//),
    });
  });

  test('says yes to a bootstrap whose access log is /dev/stdout', async () => {
    expect(await queries.validate(binary, bootstrapFile(accessLogToStdout))).toEqual({
      ok: true,
      value: undefined,
    });
  });

  test('says no with its reason', async () => {
    const verdict = await queries.validate(binary, bootstrapFile({ no_such_field: 1 }));
    expect(verdict).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringMatching(/^Cannot validate .*no_such_field/) }],
    });
  });
});

describe('a bootstrap that the real Envoy quotes when it says no', () => {
  const binary = envoyBinary('1.40.0');
  const format = ['--log-format', ENVOY_LOG_FORMAT];
  const secret = 'a-secret'.repeat(20_000);
  const node = { id: 'n', metadata: { secret } };

  test.each<readonly [string, object, RegExp]>([
    ['of a wrong form', { node, admin: 'x' }, /@\s+admin/],
    [
      'with a forbidden value',
      { node, static_resources: { clusters: [{}] } },
      /Cluster\w+\.Name: /,
    ],
  ])('is left out of the reason when it is one %s', async (_, json, reason) => {
    const verdict = await queries.validate(binary, [...bootstrapFile(json), ...format]);
    const message = verdict.ok ? '' : verdict.problems[0]?.message;
    expect(message).toMatch(reason);
    expect(message).toContain('(content left out)');
    expect(message).not.toContain('a-secret');
  });
});

describe('a question', () => {
  test('is answered in words with one blank between them, as the same whenever it is asked', async () => {
    const verdict = await queries.validate(
      script("printf 'no  such\\302\\240 field\\n' >&2; exit 1"),
      [],
    );
    expect(verdict).toMatchObject({
      problems: [{ message: expect.stringMatching(/: no such field$/) }],
    });
  });

  test('is asked with the arguments and --mode validate', async () => {
    await queries.validate(fake.binary, bootstrapFile({}));
    expect(fake.launches()).toMatchObject([{ run: 'validate', epoch: 0 }]);
  });

  test.each<[string, string, RegExp]>([
    ['the last line says why', 'echo first >&2; echo why >&2; exit 1', /: why$/],
    ['it is a record', `echo '{"l":"critical","m":"why"}' >&2; exit 1`, /: why$/],
    [
      'a fatal record comes before other lines',
      `echo '{"l":"critical","m":"why"}' >&2; echo more >&2; exit 1`,
      /: why$/,
    ],
    ['it says nothing', 'exit 3', /: it .*3/],
    ['it kills itself', 'kill -SEGV $$', /: it .*SIGSEGV/],
    [
      'it says much',
      "head -c 300000 /dev/zero | tr '\\0' 'x\\n'; echo; echo why; exit 1",
      /: why$/,
    ],
    ['the reason is long', "head -c 9000 /dev/zero | tr '\\0' 'x'; exit 1", /^.{480,620}$/],
  ])('is answered with no when %s', async (_, text, reason) => {
    const binary = script(text);
    const verdict = await queries.validate(binary, []);
    expect(verdict).toEqual({
      ok: false,
      problems: [{ about: 'BATON_ENVOY_BINARY', message: expect.stringMatching(reason) }],
    });
  });

  test.each<[string, string, readonly string[]]>([
    ['there is no binary', '/nowhere/envoy', []],
    ['an argument cannot be given', '/bin/true', ['a\0b']],
    ['the arguments are too long', '/bin/true', ['x'.repeat(200_000)]],
  ])('is answered with no when %s', async (_, binary, args) => {
    expect(await queries.validate(binary, args)).toMatchObject({ ok: false });
    expect(await queries.version('/nowhere/envoy')).toMatchObject({ ok: false });
  });

  test('is answered with no when there is no place for the answer', async () => {
    const nowhere = createEnvoyQueries({ clock, folder: join(folder, 'nowhere') });
    expect(await nowhere.validate('/bin/true', [])).toMatchObject({
      ok: false,
      problems: [
        { message: expect.stringMatching(/^Cannot validate .*ENOENT/), isTransient: true },
      ],
    });
  });

  test('is given up, and its Envoy killed, when its time is over', async () => {
    let passTime = () => {};
    const afterRunning: Clock['afterRunning'] = (_, fire) => {
      passTime = fire;
      return () => {};
    };
    const waiting = createEnvoyQueries({ clock: { ...clock, afterRunning }, folder });
    const noted = join(folder, 'pid');
    const asked = waiting.validate(script(`echo $$ | tee ${noted}; exec sleep 60`), []);
    const pid = await vi.waitUntil(() => existsSync(noted) && readFileSync(noted, 'utf8').trim(), {
      timeout: 20_000,
    });
    passTime();
    const verdict = await asked;
    expect(verdict).toMatchObject({ ok: false, problems: [{ isTransient: true }] });
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  });

  test('is answered with no, and its Envoy killed, when it prints without end', async () => {
    const here = createEnvoyQueries({ clock, folder });
    const noted = join(folder, 'pid');
    const binary = script(`echo $$ > ${noted}; exec yes`);
    const verdict = await here.validate(binary, []);
    expect(verdict).toEqual({
      ok: false,
      problems: [
        {
          about: 'BATON_ENVOY_BINARY',
          message: `Cannot validate the bootstrap with ${binary}: it printed more than 16 MiB without coming to an end, and was killed`,
        },
      ],
    });
    expect(() => process.kill(Number(readFileSync(noted, 'utf8')), 0)).toThrow('ESRCH');
    expect(readdirSync(folder).sort()).toEqual(['envoy', 'pid']);
  });

  test('says nothing of the binary while that is being written', async () => {
    const binary = join(folder, 'envoy');
    copyFileSync('/bin/true', binary);
    const writer = openSync(binary, 'r+');
    const verdict = await queries.validate(binary, []);
    closeSync(writer);
    expect(verdict).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringContaining('ETXTBSY'), isTransient: true }],
    });
  });

  test('leaves no file behind', async () => {
    const here = createEnvoyQueries({ clock, folder });
    const binary = script('exit 1');
    await Promise.all([here.validate(binary, []), here.version(binary)]);
    expect(readdirSync(folder)).toEqual(['envoy']);
  });
});
