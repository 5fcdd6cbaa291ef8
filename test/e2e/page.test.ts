/** The page in a real browser, while real Envoys are replaced and die. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startChromium } from '../support/chromium.ts';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { signalEnvoy } from '../support/envoys-of.ts';
import {
  createServiceCertificates,
  type ServiceCertificates,
} from '../support/service-certificates.ts';

const ENDED = { msg: 'handover ended' };

let browser: Browser;
let folder: string;
let certificates: ServiceCertificates;
let world: World;
let agent: RunningAgent;
let complaints: string[];

beforeAll(async () => {
  browser = await startChromium();
});

afterAll(() => browser.close());

beforeEach(async () => {
  complaints = [];
  folder = await mkdtemp(join(tmpdir(), 'baton-certificates-'));
  certificates = await createServiceCertificates(join(folder, 'certs'));
  const settings = {
    BATON_CERT_DIRS: certificates.volume.folder,
    BATON_RESTART_BACKOFF: '50s',
    BATON_DRAIN_TIME: '5s',
    BATON_PARENT_SHUTDOWN_TIME: '8s',
    POD_NAME: 'pod-1',
  };
  world = await openWorld({ settings, bootstrap: { isTls: true } });
  agent = await world.startReadyAgent();
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

async function openPage(javaScriptEnabled = true): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled });
  const page = await context.newPage();
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${world.statusPort}/`);
  return page;
}

const region = (page: Page, id: string, text: string | RegExp) =>
  page.locator(`#${id}`, { hasText: text }).waitFor();

/** From now on the page keeps all that it shows: what passes is not missed by who looks late. */
const keepShown = (page: Page) =>
  page.evaluate(`
    window.shown = [];
    new MutationObserver(() => {
      const textOf = (id) => document.getElementById(id)?.textContent.replace(/\\s+/g, ' ');
      window.shown.push({ launches: textOf('launches'), waits: textOf('waits') });
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  `);

const untilShown = (page: Page, id: 'launches' | 'waits', pattern: RegExp) =>
  agent.until(`${pattern} in ${id}`, () =>
    page.evaluate<boolean>(`window.shown.some((one) => ${pattern}.test(one.${id}))`),
  );

describe('the page', () => {
  test('shows a rotation as it happens, and what became of it', async () => {
    const page = await openPage();
    await page.evaluate('window.isTheSame = true');
    await region(page, 'readiness', 'Ready running');
    await region(page, 'certificates', /(accepted|unchanged) for .*tls\.crt 89 d 23 h left/);
    const load = world.startLoad({ authorityPem: certificates.authorityPem });

    await keepShown(page);
    const serial = await certificates.rotate();
    await untilShown(page, 'launches', /L2.*live for.*L1.*retiring for/);
    await untilShown(page, 'waits', /L1 to have drained and ended/);
    await region(page, 'certificates', serial);
    await region(page, 'launches', /L1.*exited with code 0, \d+ s ago/);
    await region(page, 'handovers', /H2 committed hot certificates to L2 took .* left/);

    expect(await page.evaluate('window.isTheSame')).toBe(true);
    expect(await load.stop()).toMatchObject({ lost: 0 });
    expect(complaints).toEqual([]);
  });

  test('shows a crash, the wait after it, and the start that ends it', async () => {
    const page = await openPage();
    await page.evaluate('window.isTheSame = true');
    await region(page, 'readiness', 'Ready running');

    const [envoy] = world.envoys();
    signalEnvoy(envoy, 'SIGKILL');
    await region(page, 'readiness', 'Not ready backoff');
    await region(page, 'glance', /next start in [\d.]+ s; L1 was ended by SIGKILL/);
    const leftSeconds = async () =>
      Number(/next start in ([\d.]+) s/.exec(`${await page.locator('.why').textContent()}`)?.[1]);
    const first = await leftSeconds();
    await agent.until('fewer seconds', async () => (await leftSeconds()) < first);
    await region(page, 'tokens', '9 of 10 left');
    await region(page, 'sigterm', 'stops at once');
    agent.signal('SIGHUP');
    await region(page, 'readiness', 'Ready running');
    await region(page, 'launches', /L2.*live for.*L1.*✕ was ended by SIGKILL/);
    await region(page, 'glance', /Failed last ?✕ L1 was ended by SIGKILL/);

    expect(await page.title()).toBe('✓ ready · pod-1 · Baton');
    expect(await page.evaluate('window.isTheSame')).toBe(true);
    expect(complaints).toEqual([]);
  });

  test('tells the same without a script, and so does the command', async () => {
    await certificates.rotate();
    await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);
    const page = await openPage(false);

    await region(page, 'launches', /L2.*live for.*L1.*exited with code 0/);
    await region(page, 'handovers', /H2 committed hot certificates to L2.*H1 committed cold start/);
    expect(await page.locator('#handovers .steps').first().textContent()).toMatch(
      /^checking \d+ ms.*starting \d+ ms.*retiring \d/,
    );
    const { code, output } = await agent.baton('history');
    expect(code).toBe(0);
    expect(output).toMatch(/H2, committed, hot, because of certificates, to L2, took \d+ ms/);
    const json = await agent.baton('history', '--json');
    expect(JSON.parse(json.output)).toMatchObject({
      launches: [
        { id: 'L1', replacedBy: 'H2' },
        { id: 'L2', handover: 'H2' },
      ],
      handovers: [{ id: 'H1' }, { id: 'H2', result: 'committed' }],
    });
  });

  test('says that the agent is gone, and that it is there again', async () => {
    const page = await openPage();
    await page.getByText('Live', { exact: true }).waitFor();
    agent.signal('SIGTERM');
    expect(await agent.ended).toMatchObject({ code: 0 });
    await page.getByText('Lost contact with the agent').waitFor();
    await world.startReadyAgent();
    await page.getByText('Live', { exact: true }).waitFor();
    await region(page, 'readiness', 'Ready running');
  });
});
