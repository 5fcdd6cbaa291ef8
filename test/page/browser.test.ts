/** The page in a real browser, of an agent whose Envoys are only told of. */
import { readFileSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { listenHttp } from '../../src/adapters/http-server.ts';
import { type Agent, createAgent } from '../../src/agent.ts';
import type { Event } from '../../src/core/events.ts';
import { launchIdOf } from '../../src/core/model.ts';
import type { Readiness } from '../../src/core/readiness.ts';
import { type Chronicle, createChronicle } from '../../src/work/chronicle.ts';
import { statusRoutes } from '../../src/work/routes.ts';
import { fakeAgentFace } from '../support/agent-face.ts';
import {
  checksPassed,
  crashed,
  defaultPolicy,
  desiredVersion,
  handoverHappenings,
  servingHappenings,
} from '../support/agent-states.ts';
import { startChromium } from '../support/chromium.ts';
import { freePorts } from '../support/free-ports.ts';

const LOW_CONTRAST = readFileSync(new URL('../fixtures/page/low-contrast.js', import.meta.url), {
  encoding: 'utf8',
});
const HOSTILE = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&`;

let browser: Browser;
let agent: Agent;
let address: string;
let listen: () => Promise<void>;
let closeListener: () => Promise<void>;
let violations: string[];
/** Of the application, which is asked where there is something. */
let said: Readiness | undefined;

beforeAll(async () => {
  browser = await startChromium();
});

afterAll(() => browser.close());

beforeEach(async () => {
  violations = [];
  said = undefined;
  agent = createAgent({
    policy: { ...defaultPolicy, restartBackoffMs: 3_600_000 },
    clock: systemClock,
    observe: (transition) => chronicle.observe(transition),
    perform: () => {},
  });
  const chronicle: Chronicle = createChronicle({
    policy: defaultPolicy,
    clock: systemClock,
    state: agent.state,
    application: { readiness: async () => said ?? { ready: true }, known: () => said },
    name: `pod ${HOSTILE}`,
    version: '1.2.3',
    report: (error) => violations.push(String(error)),
  });
  const [port = 0] = await freePorts(1);
  address = `http://127.0.0.1:${port}/`;
  listen = async () => {
    const face = { ...fakeAgentFace(), ...chronicle };
    const endpoint = { setting: 'BATON_STATUS_PORT', address: '127.0.0.1', port };
    const listened = await listenHttp(endpoint, statusRoutes(face), (error) => {
      violations.push(String(error));
    });
    if (!listened.ok) throw new Error('cannot listen');
    closeListener = listened.value.close;
  };
  await listen();
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await closeListener();
  // What the agent waits for would keep the test alive.
  agent.post({ type: 'stopRequested', how: 'now', reason: 'the end' });
  expect(violations).toEqual([]);
});

/** Whatever the browser complains of is a violation. */
async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.on('console', (message) => {
    // A connection that is lost is what some tests are about.
    if (message.type() === 'error' && !message.text().includes('net::'))
      violations.push(message.text());
  });
  page.on('pageerror', (error) => violations.push(error.message));
  page.on('dialog', (dialog) => {
    violations.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const isOurs = request.url().startsWith(address) || request.url().startsWith('data:');
    if (!isOurs) violations.push(`a request to ${request.url()}`);
  });
  await page.goto(address);
  return page;
}

function postAll(events: readonly Event[]): void {
  for (const event of events) agent.post(event);
}

const serve = () => postAll(servingHappenings.map(([, event]) => event));
const handOver = () =>
  postAll(handoverHappenings.slice(servingHappenings.length).map(([, event]) => event));

/** Many crashes and starts, so that there is something to fold away. */
function crashOften(count: number): void {
  for (let at = 1; at <= count; at += 1) {
    postAll([
      crashed(at, 'SIGSEGV'),
      { type: 'desiredChanged', desired: desiredVersion(at * 2 + 1) },
      checksPassed(at + 1),
      { type: 'launchSpawned', launch: launchIdOf(at + 1), pid: 100 + at },
      { type: 'launchLive', launch: launchIdOf(at + 1) },
    ]);
  }
}

describe('the page in a browser', () => {
  test('follows what happens without being loaded again', async () => {
    const page = await openPage();
    await page.evaluate('window.isTheSame = true');
    await page.getByText('Not ready').waitFor();
    serve();
    await page.locator('#readiness', { hasText: 'Ready running' }).waitFor();
    handOver();
    await page.locator('#launches', { hasText: /L2.*starting for/ }).waitFor();
    agent.post({ type: 'connectionsCounted', launch: launchIdOf(1), count: 12 });
    await page.getByRole('row', { name: /^L1 .* 12 / }).waitFor();
    agent.post(crashed(2, 'SIGABRT'));
    await page.locator('#glance', { hasText: 'L2 was ended by SIGABRT' }).waitFor();
    expect(await page.title()).toMatch(/^✓ ready · pod /);
    expect(await page.evaluate('window.isTheSame')).toBe(true);
  });

  test('shows what the application says of itself, and turns with it', async () => {
    serve();
    said = { ready: false, reason: 'nobody listens there' };
    const page = await openPage();
    const readiness = page.locator('#readiness');
    await readiness.filter({ hasText: 'Not ready running, application not ready' }).waitFor();
    expect(await page.locator('.why').textContent()).toBe(
      'application not ready: nobody listens there',
    );
    expect(await page.title()).toMatch(/^✕ not ready/);
    said = { ready: true };
    await readiness.filter({ hasText: /Ready running, application ready$/ }).waitFor();
    expect(await page.locator('.why').count()).toBe(0);
  });

  test('lets the times go on by itself', async () => {
    serve();
    const page = await openPage();
    const age = page.locator('#launches tbody [data-since]').first();
    const first = Number.parseInt((await age.textContent()) ?? '', 10);
    await vi.waitUntil(
      async () => Number.parseInt((await age.textContent()) ?? '', 10) > first + 1,
      {
        timeout: 30_000,
      },
    );
  });

  test('shows a hostile name, reason and line as text', async () => {
    serve();
    const page = await openPage();
    handOver();
    const lastLines = [HOSTILE];
    const outcome = { kind: 'exited', code: 1 } as const;
    postAll([
      { type: 'partHeld', part: 'bootstrap', problems: [HOSTILE] },
      { type: 'launchAnswered', launch: launchIdOf(2), envoyState: HOSTILE },
      { type: 'launchExited', launch: launchIdOf(2), outcome, lastLines },
    ]);
    await page.locator('#glance', { hasText: `L2 exited with code 1: ${HOSTILE}` }).waitFor();
    await page.reload();
    await page.locator('.troubles', { hasText: HOSTILE }).waitFor();
    expect(await page.locator('h1').textContent()).toContain(HOSTILE);
    expect(await page.locator('img, script:not(body > script:last-child)').count()).toBe(0);
  });

  test('runs and draws nothing that it did not come with', async () => {
    const page = await openPage();
    await page.evaluate(`
      const script = document.createElement('script');
      script.textContent = 'window.isInjected = true';
      document.body.append(script);
      document.body.setAttribute('style', 'opacity: 0.5');
      document.body.insertAdjacentHTML('beforeend', '<img src="/status" onerror="window.isInjected = true">');`);
    expect(await page.evaluate('window.isInjected')).toBeUndefined();
    expect(await page.evaluate('getComputedStyle(document.body).opacity')).toBe('1');
    await vi.waitUntil(() => violations.length >= 3, 20_000);
    expect(violations.every((text) => text.includes('Content Security Policy'))).toBe(true);
    violations = [];
  });

  test('keeps what is unfolded and what has the focus when it changes', async () => {
    serve();
    crashOften(14);
    const page = await openPage();
    await page.getByText('older launches').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: /^L1 / }).waitFor();
    agent.post({ type: 'connectionsCounted', launch: launchIdOf(15), count: 77 });
    await page.getByRole('row', { name: /^L15 .* 77 / }).waitFor();
    expect(await page.getByRole('row', { name: /^L1 / }).isVisible()).toBe(true);
    expect(await page.evaluate('document.activeElement.id')).toBe('launches-before-summary');
  });

  test('says when it has lost contact, and goes on when it has it again', async () => {
    serve();
    const page = await openPage();
    await page.getByText('Live', { exact: true }).waitFor();
    await closeListener();
    await page.getByText('Lost contact with the agent').waitFor();
    expect(await page.title()).toMatch(/^\? ✓ ready/);
    await listen();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.title()).toMatch(/^✓ ready/);
  });

  test('needs no script to show everything there is', async () => {
    serve();
    handOver();
    const page = await openPage({ javaScriptEnabled: false });
    expect(await page.locator('#readiness').textContent()).toMatch(/Ready\s+running/);
    expect(await page.locator('#contact').textContent()).toMatch(/^As of 20.*: reload for news\.$/);
    expect(await page.locator('#launches tbody tr').count()).toBe(2);
    expect(await page.locator('#launches').textContent()).toMatch(/live for \d+ s/);
    expect(await page.locator('rect[width]').count()).toBe(3);
    expect(await page.locator('#handovers > ol > li').count()).toBe(2);
    expect(await page.locator('#sigterm li').count()).toBeGreaterThan(3);
  });
});

describe('who does not see or point', () => {
  test('finds landmarks, headings, and the lanes as a table', async () => {
    serve();
    handOver();
    const page = await openPage();
    for (const role of ['banner', 'main', 'complementary', 'contentinfo', 'navigation'] as const) {
      expect(await page.getByRole(role).count()).toBe(1);
    }
    const headings = await page.getByRole('heading').allInnerTexts();
    expect(headings[0]).toMatch(/^Baton/);
    expect(headings.slice(1).map((text) => text.toLowerCase())).toEqual([
      'launches',
      'on sigterm now',
      'waits for',
      'restart tokens',
      'certificates',
      'versions',
      'handovers',
    ]);
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    const table = page.getByRole('table', { name: 'Launches' });
    expect(await table.getByRole('columnheader').allTextContents()).toEqual([
      'Launch',
      'Epoch',
      'Mode',
      'Stage',
      'Connections',
      expect.stringMatching(/^Over time/),
    ]);
    expect(await table.getByRole('rowheader').allInnerTexts()).toEqual(['L2', 'L1']);
    await table.getByRole('cell', { name: /^starting [\d.]+ m?s, live for \d+ s$/ }).waitFor();
  });

  test('is told of readiness and phase when they change, and of nothing that counts', async () => {
    serve();
    const page = await openPage();
    const spoken = page.getByRole('status');
    await spoken.filter({ hasText: 'Live' }).waitFor();
    expect(await spoken.count()).toBe(2);
    await page.evaluate(`
      window.spoken = [];
      new MutationObserver((changes) => window.spoken.push(...changes.map(({ type }) => type)))
        .observe(document.getElementById('readiness'), { childList: true, subtree: true, characterData: true });`);
    await page
      .locator('#launches tbody [data-since]', { hasText: /^([3-9]|\d\d) s$/ })
      .first()
      .waitFor();
    expect(await page.evaluate('window.spoken')).toEqual([]);
    agent.post(crashed(1, 'SIGSEGV'));
    await spoken.filter({ hasText: 'Not ready backoff' }).waitFor();
    expect(await page.evaluate('window.spoken.length')).toBeGreaterThan(0);
  });

  test('gets everywhere by the keyboard, in the order of the page, and sees where', async () => {
    serve();
    crashOften(14);
    const page = await openPage();
    const stops: string[] = [];
    for (let count = 0; count < 6; count += 1) {
      await page.keyboard.press('Tab');
      stops.push(await page.evaluate('document.activeElement.textContent'));
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe(
        'solid',
      );
    }
    expect(stops).toEqual([
      'Skip to the handovers',
      '5 older launches',
      '7 older handovers',
      'status',
      'history',
      'metrics',
    ]);
  });

  test('would be told of a text that can hardly be read', async () => {
    const page = await openPage();
    await page.evaluate("document.querySelector('h1').style.color = '#aaa'");
    expect(await page.evaluate(LOW_CONTRAST)).toEqual([
      expect.stringMatching(/^H1 "Baton .* has 2\.\d\d$/s),
    ]);
  });

  test.each(['light', 'dark'] as const)('can read every text in the %s scheme', async (scheme) => {
    const page = await openPage({ colorScheme: scheme });
    const look = () => page.evaluate<readonly string[]>(LOW_CONTRAST);
    expect(await look()).toEqual([]);
    serve();
    handOver();
    agent.post({ type: 'partHeld', part: 'bootstrap', problems: ['It is cut off.'] });
    await page.locator('.troubles').waitFor();
    expect(await look()).toEqual([]);
    agent.post(crashed(2, 'SIGSEGV'));
    agent.post(crashed(1, 'SIGSEGV'));
    await page.getByText('Not ready').waitFor();
    expect(await look()).toEqual([]);
  });

  test.each([320, 640, 1280, 1600])('has nothing to scroll to at %d pixels', async (width) => {
    serve();
    handOver();
    crashOften(1);
    const page = await openPage({ viewport: { width, height: 800 } });
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await page.getByRole('row').first().isVisible()).toBe(true);
    expect(await page.getByRole('table', { name: 'Launches' }).count()).toBe(1);
  });

  test.each([360, 900, 1280])(
    'sees at %d pixels what SIGTERM would do before the handovers',
    async (width) => {
      serve();
      const page = await openPage({ viewport: { width, height: 800 } });
      const topOf = async (id: string) =>
        (await page.locator(`#${id}`).boundingBox())?.y ?? Number.NaN;
      expect(await topOf('sigterm')).toBeLessThan(await topOf('handovers'));
    },
  );

  test('is shown no motion who does not want any', async () => {
    const page = await openPage({ reducedMotion: 'reduce' });
    const moving = `[...document.querySelectorAll('*')].filter((one) => {
      const { transitionDuration, animationName } = getComputedStyle(one);
      return transitionDuration !== '0s' || animationName !== 'none';
    }).length`;
    expect(await page.evaluate(moving)).toBe(0);
  });
});
