import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAppProbes } from '../../src/core/app-probes.ts';

const OWN_PORT = 15_020;
const LIVEZ = '/app-health/app/livez';

function read(value: unknown) {
  const { probes, problems } = readAppProbes(JSON.stringify(value), OWN_PORT);
  return { probes: Object.fromEntries(probes), problems };
}

describe('the declared probes', () => {
  test('are none when the variable is empty', () => {
    expect(readAppProbes(' ', OWN_PORT)).toEqual({ probes: new Map(), problems: [] });
  });

  test('are read as the injector writes them, with what only the kubelet needs passed over', () => {
    const { probes, problems } = read({
      [LIVEZ]: { httpGet: { path: 'live?x=1', port: 8080, scheme: 'HTTPS' }, timeoutSeconds: 5 },
      '/app-health/app/readyz': {
        httpGet: { port: 8080, httpHeaders: [{ name: 'a', value: 'b' }], host: 'example.com' },
        periodSeconds: 3,
      },
      '/app-health/app/startupz': { tcpSocket: { port: 5432 }, httpGet: null },
      '/app-health/other/readyz': { grpc: { port: 9000, service: null } },
    });

    expect(problems).toEqual([]);
    expect(probes).toEqual({
      [LIVEZ]: {
        kind: 'httpGet',
        scheme: 'https',
        port: 8080,
        path: '/live?x=1',
        timeoutMs: 5_000,
      },
      '/app-health/app/readyz': {
        kind: 'httpGet',
        scheme: 'http',
        port: 8080,
        path: '/',
        timeoutMs: 1_000,
      },
      '/app-health/app/startupz': { kind: 'tcpSocket', port: 5432, timeoutMs: 1_000 },
      '/app-health/other/readyz': { kind: 'grpc', port: 9000, service: '', timeoutMs: 1_000 },
    });
  });

  test.each([
    [undefined, 1_000],
    [null, 1_000],
    [0, 1_000],
    [1, 1_000],
    [60, 60_000],
    [61, 60_000],
    [86_400, 60_000],
  ])('with timeoutSeconds %j take %i ms at most', (timeoutSeconds, timeoutMs) => {
    const { probes } = read({ [LIVEZ]: { tcpSocket: { port: 1 }, timeoutSeconds } });
    expect(probes[LIVEZ]?.timeoutMs).toBe(timeoutMs);
  });

  const tcp = { tcpSocket: { port: 80 } };
  test.each<[string, unknown, string]>([
    ['an array', [], 'it is not an object of probes by path'],
    ['null', null, 'it is not an object of probes by path'],
    ['a text', 'x', 'it is not an object of probes by path'],
    [
      'another path',
      { '/healthz': tcp },
      '"/healthz" is not of the form /app-health/CONTAINER/livez, /readyz or /startupz',
    ],
    [
      'a container with a slash',
      { '/app-health/a/b/livez': tcp },
      '"/app-health/a/b/livez" is not of the form /app-health/CONTAINER/livez, /readyz or /startupz',
    ],
    [
      'a name every object has',
      JSON.parse('{"__proto__": {"tcpSocket": {"port": 80}}}'),
      '"__proto__" is not of the form /app-health/CONTAINER/livez, /readyz or /startupz',
    ],
    [
      'a hook',
      { '/app-lifecycle/app/prestopz': tcp },
      '"/app-lifecycle/app/prestopz" is a hook, and hooks are not taken over',
    ],
    ['a probe that is none', { [LIVEZ]: 1 }, `"${LIVEZ}" is not an object`],
    ['a probe that is null', { [LIVEZ]: null }, `"${LIVEZ}" is not an object`],
    [
      'an exec probe',
      { [LIVEZ]: { exec: { command: ['ls'] } } },
      `"${LIVEZ}" is an exec probe, which the kubelet runs by itself`,
    ],
    [
      'no type',
      { [LIVEZ]: {} },
      `"${LIVEZ}" must have exactly one of httpGet, tcpSocket, grpc, and has none of them`,
    ],
    [
      'two types',
      { [LIVEZ]: { ...tcp, grpc: { port: 1 } } },
      `"${LIVEZ}" must have exactly one of httpGet, tcpSocket, grpc, and has tcpSocket and grpc`,
    ],
    [
      'an action that is none',
      { [LIVEZ]: { httpGet: 'x' } },
      `"${LIVEZ}" has a httpGet that is not an object`,
    ],
    ...['http', '8080', 0, 65_536, 1.5, undefined, null].map((port): [string, unknown, string] => [
      `the port ${JSON.stringify(port)}`,
      { [LIVEZ]: { httpGet: { port } } },
      `"${LIVEZ}" must have a port that is a number from 1 to 65535`,
    ]),
    [
      'the status port',
      { [LIVEZ]: { httpGet: { port: OWN_PORT } } },
      `"${LIVEZ}" asks port 15020, which is BATON_STATUS_PORT: itself`,
    ],
    [
      'a path that is no text',
      { [LIVEZ]: { httpGet: { port: 1, path: 1 } } },
      `"${LIVEZ}" must have a path that is a text`,
    ],
    [
      'another scheme',
      { [LIVEZ]: { httpGet: { port: 1, scheme: 'ftp' } } },
      `"${LIVEZ}" must have the scheme HTTP or HTTPS`,
    ],
    [
      'a service that is no text',
      { [LIVEZ]: { grpc: { port: 1, service: 1 } } },
      `"${LIVEZ}" must have a service that is a text`,
    ],
    ...[-1, 1.5, '5', 1e12].map((timeoutSeconds): [string, unknown, string] => [
      `timeoutSeconds of ${JSON.stringify(timeoutSeconds)}`,
      { [LIVEZ]: { ...tcp, timeoutSeconds } },
      `"${LIVEZ}" must have timeoutSeconds that are a whole number, 0 or more`,
    ]),
  ])('are refused with %s', (_, value, reason) => {
    const { probes, problems } = read(value);
    expect(problems).toEqual([`Cannot use ISTIO_KUBE_APP_PROBERS: ${reason}.`]);
    expect(probes).toEqual({});
  });

  test('are refused with what is not JSON, without repeating it', () => {
    expect(readAppProbes('{"secret', OWN_PORT).problems).toEqual([
      'Cannot use ISTIO_KUBE_APP_PROBERS: it is not JSON.',
    ]);
  });

  test('are refused when there are too many', () => {
    const many = Object.fromEntries(
      Array.from({ length: 1_001 }, (_, at) => [`/app-health/c${at}/livez`, tcp]),
    );
    expect(read(many).problems).toEqual([
      'Cannot use ISTIO_KUBE_APP_PROBERS: it has more than 1000 probes.',
    ]);
  });

  test('have all their problems told at once, keys cut to a readable length and in quotes', () => {
    const { problems } = read({ ['\n\u001b[31m'.repeat(100)]: tcp, '/b': tcp });
    expect(problems).toHaveLength(2);
    for (const problem of problems) {
      expect(problem).toMatch(/^[ -~]+$/);
      expect(problem.length).toBeLessThan(1_000);
    }
  });

  test('never throw, whatever they are', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        readAppProbes(text, OWN_PORT);
      }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constant(LIVEZ), fc.jsonValue()), (value) => {
        const { probes, problems } = read(value);
        expect(Object.keys(probes).length * problems.length).toBe(0);
      }),
    );
  });
});
