import { describe, expect, test } from 'vitest';
import { hasLoopbackHost, isLoopbackAddress, objectionTo } from '../../src/work/local-request.ts';
import { httpRequest } from '../support/http-requests.ts';

describe('a loopback address', () => {
  test.each([
    '127.0.0.1',
    '127.0.0.6',
    '127.255.255.254',
    '::1',
    '::ffff:127.0.0.1',
    '::FFFF:127.0.0.6',
  ])('is %s', (address) => expect(isLoopbackAddress(address)).toBe(true));

  test.each([
    '',
    '10.0.0.1',
    '128.0.0.1',
    '::',
    '::2',
    '::ffff:10.0.0.1',
    'fe80::1',
    '127.0.0.1.example.com',
  ])('is not %j', (address) => expect(isLoopbackAddress(address)).toBe(false));
});

describe('a loopback Host', () => {
  test.each([['localhost'], ['LocalHost:15020'], ['127.0.0.1:1'], ['127.0.0.6'], ['[::1]:15020']])(
    'is %s',
    (host) =>
      expect(hasLoopbackHost(httpRequest({ target: '/', headers: { host: [host] } }))).toBe(true),
  );

  test.each([
    ['of another name', ['example.com']],
    ['that only begins so', ['localhost.example.com']],
    ['that only begins with its digits', ['127.0.0.1.example.com']],
    ['with a user in front', ['localhost@example.com']],
    ['without brackets', ['::1']],
    ['that is empty', ['']],
    ['sent twice', ['localhost', 'localhost']],
    ['sent twice, differing', ['localhost', 'example.com']],
    ['not sent', undefined],
  ])('is not one %s', (_, host) => {
    expect(hasLoopbackHost(httpRequest({ target: '/', headers: { host } }))).toBe(false);
  });
});

describe('a request that changes something', () => {
  const own = { host: ['localhost:15020'] };

  test.each([
    ['from this machine', {}],
    ['from a page of this server', { headers: { ...own, origin: ['http://localhost:15020'] } }],
    ['over the control socket', { transport: 'unix', peer: '', headers: {} }],
  ] as const)('is let through %s', async (_, facts) => {
    const request = httpRequest({ target: '/', ...facts });
    expect(await objectionTo(request, async () => false)).toBeUndefined();
  });

  test.each([
    ['from another machine', { peer: '10.1.2.3' }],
    [
      'from another machine that calls itself this one',
      { peer: '10.1.2.3', headers: { ...own, 'x-forwarded-for': ['127.0.0.1'] } },
    ],
    ['through a proxy in the pod', { headers: { ...own, 'x-forwarded-proto': ['http'] } }],
    ['with the Host of another', { headers: { host: ['example.com'] } }],
    ['from a page of another site', { headers: { ...own, origin: ['https://example.com'] } }],
    ['from a page of another port', { headers: { ...own, origin: ['http://localhost:3000'] } }],
    ['from a page without a site', { headers: { ...own, origin: ['null'] } }],
    [
      'with two Origins',
      { headers: { ...own, origin: ['http://localhost:15020', 'https://example.com'] } },
    ],
    ['that was sent to another address of the pod', { localAddress: '10.1.2.3' }],
  ])('is refused %s', async (_, facts) => {
    const request = httpRequest({ target: '/', ...facts });
    expect(await objectionTo(request, async () => false)).toBeTypeOf('string');
  });

  test('is refused over a connection of Envoy, which may be anybody', async () => {
    const request = httpRequest({ target: '/' });
    expect(await objectionTo(request, async () => true)).toBe('not through Envoy');
    const overSocket = httpRequest({ target: '/', transport: 'unix', peer: '' });
    expect(await objectionTo(overSocket, async () => true)).toBeUndefined();
  });
});
