import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { type HttpListener, listenHttp } from '../../src/adapters/http-server.ts';
import type { HttpRequest } from '../../src/ports.ts';
import { createPageEvents } from '../../src/work/page-events.ts';
import { statusRoutes } from '../../src/work/routes.ts';
import { fakeAgentFace } from '../support/agent-face.ts';
import { httpRequest } from '../support/http-requests.ts';

const PATIENCE = { timeout: 20_000 };

const face = fakeAgentFace();
const ask = (facts: Partial<HttpRequest> & { target: string }) =>
  statusRoutes(face)(httpRequest(facts));

describe('the page', () => {
  test.each([
    ['/', 'GET', 'text/html; charset=utf-8'],
    ['/', 'HEAD', 'text/html; charset=utf-8'],
    ['/?any=query', 'GET', 'text/html; charset=utf-8'],
    ['/events', 'GET', 'text/event-stream'],
    ['/events', 'HEAD', 'text/event-stream'],
    ['/history', 'GET', 'application/json'],
    ['/history', 'HEAD', 'application/json'],
  ])('answers %s to %s from anywhere', async (target, method, contentType) => {
    const answer = await ask({ target, method, peer: '10.1.2.3' });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe(contentType);
  });

  test.each(['/', '/events', '/history'])('changes nothing by %s', async (target) => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect(await ask({ target, method })).toMatchObject({
        status: 405,
        headers: { allow: 'GET, HEAD' },
      });
    }
    expect(face.asked).toEqual([]);
  });

  test.each(['/index.html', '/events/', '//', '/history/1'])('knows no %s', async (target) => {
    expect((await ask({ target })).status).toBe(404);
  });
});

describe('events over a connection', () => {
  const opened: (() => unknown)[] = [];

  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close();
  });

  async function listen(regions: () => ReadonlyMap<string, string>) {
    const report = vi.fn();
    const events = createPageEvents({ clock: systemClock, regions, report });
    const routes = statusRoutes({ ...fakeAgentFace(), pageEvents: events.follow });
    const endpoint = { setting: 'BATON_STATUS_PORT', address: '127.0.0.1', port: 0 };
    const listened = await listenHttp(endpoint, routes, report);
    if (!listened.ok) throw new Error('cannot listen');
    opened.push(() => listened.value.close());
    return { events, report, listener: listened.value };
  }

  async function follow({ port = 0 }: HttpListener, method = 'GET') {
    const socket = connect(port, '127.0.0.1');
    opened.push(() => socket.destroy());
    let received = '';
    socket
      .on('error', () => undefined)
      .on('data', (chunk) => {
        received += chunk;
      });
    await once(socket, 'connect');
    socket.write(`${method} /events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return { socket, received: () => received };
  }

  test('come while it is open, and it is not closed for want of something new', async () => {
    let markup = 'one';
    const { events, listener } = await listen(() => new Map([['glance', markup]]));
    const { socket, received } = await follow(listener);
    await vi.waitUntil(() => received().includes('one'), PATIENCE);
    markup = 'two';
    events.changed();
    await vi.waitUntil(() => received().includes('two'), PATIENCE);
    // Longer than a silent connection is kept.
    await vi.waitUntil(() => received().split('"regions":{}').length > 3, { timeout: 15_000 });
    expect(socket.closed).toBe(false);
  });

  test('end with the listener', async () => {
    const { listener, report } = await listen(() => new Map([['glance', 'one']]));
    const { socket, received } = await follow(listener);
    await vi.waitUntil(() => received().includes('one'), PATIENCE);
    await listener.close();
    await vi.waitUntil(() => socket.closed, PATIENCE);
    expect(report).not.toHaveBeenCalled();
  });

  test('are not begun for HEAD', async () => {
    const made = vi.fn(() => new Map<string, string>());
    const { listener } = await listen(made);
    const { received } = await follow(listener, 'HEAD');
    await vi.waitUntil(() => received().endsWith('\r\n\r\n'), PATIENCE);
    expect(received()).toMatch(/^HTTP\/1\.1 200 /);
    expect(made).not.toHaveBeenCalled();
  });

  test('are cut off for a reader who does not read, and keep nothing for it', async () => {
    let count = 0;
    const regions = () => new Map([['glance', `${count} ${'x'.repeat(1_000_000)}`]]);
    const { events, listener, report } = await listen(regions);
    const { socket } = await follow(listener);
    socket.pause();
    const changes = setInterval(() => {
      count += 1;
      events.changed();
    }, 20);
    opened.push(() => clearInterval(changes));
    const closed = vi.waitUntil(() => socket.closed, { timeout: 30_000 });
    // What the kernel holds for it comes first; the end is told when it reads on.
    await vi.waitUntil(() => count > 700, { timeout: 30_000 });
    socket.resume();
    await closed;
    expect(socket.bytesRead).toBeLessThan(20_000_000);
    expect(report).not.toHaveBeenCalled();
  });
});
