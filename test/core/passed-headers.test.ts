import { describe, expect, test } from 'vitest';
import { passedHeaders } from '../../src/core/passed-headers.ts';

const PORTS = { own: 15_020, asked: 8_080 };

describe('the headers of a probe', () => {
  test('are passed on, each as often as it came', () => {
    const headers = { 'user-agent': ['kube-probe/1.30'], 'x-a': ['1', '2'], authorization: ['b'] };
    expect(passedHeaders(headers, PORTS)).toEqual(headers);
  });

  test('are not passed on when they belong to the connection or the body', () => {
    const headers = {
      connection: ['close, X-Hop'],
      'content-length': ['3'],
      expect: ['100-continue'],
      'keep-alive': ['1'],
      te: ['trailers'],
      'transfer-encoding': ['chunked'],
      upgrade: ['h2c'],
      'x-hop': ['1'],
      'x-stays': ['1'],
      absent: undefined,
    };
    expect(Object.keys(passedHeaders(headers, PORTS))).toEqual(['x-stays']);
  });
});

describe('the Host of a probe', () => {
  test.each([
    ['of the port that it came in by names the application', '10.1.2.3:15020', '10.1.2.3:8080'],
    ['by IPv6 likewise', '[fd00::1]:15020', '[fd00::1]:8080'],
    ['that the probe was given is kept', 'example.com', 'example.com'],
    ['with a port of its own is kept', 'example.com:80', 'example.com:80'],
  ])('%s', (_, host, passed) => {
    expect(passedHeaders({ host: [host] }, PORTS)).toEqual({ host: passed });
  });

  test('is the first of two', () => {
    expect(passedHeaders({ host: ['a', 'b'] }, PORTS)).toEqual({ host: 'a' });
  });
});
