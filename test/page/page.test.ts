import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { CertificatesSeen } from '../../src/core/certificates-seen.ts';
import type { Event } from '../../src/core/events.ts';
import { digestOf, handoverIdOf, launchIdOf } from '../../src/core/model.ts';
import { pageAssets, pageRegions, pageText } from '../../src/page/page.ts';
import { answerPage } from '../../src/work/page-answers.ts';
import { fakeAgentFace } from '../support/agent-face.ts';
import {
  checksPassed,
  crashed,
  desiredVersion,
  type Happening,
  handoverHappenings,
  servingHappenings,
} from '../support/agent-states.ts';
import { FIRST_WALL_MS, overviewAt } from '../support/histories.ts';

const HOSTILE = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&\u202e\u0000`;

/** What an eye sees of a region. */
function shown(region: string, atMs: number, happenings: readonly Happening[]): string {
  const whole = pageText(overviewAt(atMs, happenings));
  const from = whole.indexOf(`id="${region}"`);
  const text = whole.slice(from).replaceAll(/<span class="unseen">.*?<\/span><\/td>/g, '');
  return text
    .slice(text.indexOf('>') + 1, text.indexOf('</section>'))
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const hostileHappenings: readonly Happening[] = [
  ...servingHappenings,
  [1_000, { type: 'partHeld', part: 'bootstrap', problems: [HOSTILE] }],
  [2_000, { type: 'certificatesSeen', seen: seenWith(HOSTILE) }],
  [3_000, { type: 'desiredChanged', desired: desiredVersion(2) }],
  [3_000, { ...checksPassed(2), obstacleToHot: HOSTILE } as Event],
  [3_100, { type: 'launchSpawned', launch: launchIdOf(2), pid: 102 }],
  [3_200, { type: 'launchAnswered', launch: launchIdOf(2), envoyState: HOSTILE }],
  [
    3_300,
    {
      type: 'launchExited',
      launch: launchIdOf(2),
      outcome: { kind: 'notStarted', errno: HOSTILE, message: HOSTILE },
      lastLines: [HOSTILE],
    },
  ],
];

describe('the page', () => {
  test('shows what a handover does', () => {
    const text = shown('glance', 10_600, handoverHappenings);
    expect(text).toContain('L1 serves at epoch 0, started 10 s ago.');
    expect(text).toContain('because of certificates, bootstrap, binary, starts L2.');
    expect(text).toContain('Waits for L2 to answer: 59 s , else it is killed.');
    expect(text).toContain('Nothing remembered.');
    expect(shown('launches', 10_600, handoverHappenings)).toContain('L2 1 G1 hot starting for 0 s');
    expect(shown('handovers', 10_600, handoverHappenings)).toContain(
      'H2 under way hot certificates, bootstrap, binary to L2',
    );
  });

  test('shows after a crash why it is not ready, what comes next and what failed', () => {
    const happenings: readonly Happening[] = [...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]];
    const text = shown('glance', 5_050, happenings);
    expect(text).toContain('backoff: attempt 1 of 10, 9 tokens left, next start in 0.2 s;');
    expect(text).toContain('Nothing serves.');
    expect(text).toContain('Waits for the delay before the next start: 0.1 s .');
    expect(text).toContain('✕ L1 was ended by SIGSEGV. 0 s ago');
    expect(shown('tokens', 5_050, happenings)).toContain('9 of 10 left');
    expect(pageText(overviewAt(5_050, happenings))).toContain(
      '<title>✕ not ready · pod-1 · Baton</title>',
    );
  });

  test('counts an Envoy that hung among what has failed', () => {
    const silent: Event = { type: 'launchSilent', launch: launchIdOf(1), silentMs: 30_000 };
    const text = shown('glance', 41_000, [...servingHappenings, [40_000, silent]]);
    expect(text).toContain('Failed last ✕ L1 has not answered for 30 s. 1 s ago');
  });

  test('shows certificates with verdict and time left, and what to look at', () => {
    const happenings: readonly Happening[] = [
      ...servingHappenings,
      [2_000, { type: 'certificatesSeen', seen: seenWith('service.test', 3) }],
    ];
    const text = shown('certificates', 3_000, happenings);
    expect(text).toContain('accepted for 1 s , delivered by restart.');
    expect(text).toContain('tls.crt 2 d 23 h left');
    expect(shown('glance', 3_000, happenings)).toContain('To look at /etc/certs/tls.crt ends soon');
  });

  test('shows certificates that are kept and not served with yet as such', () => {
    const digest = digestOf('d'.repeat(64));
    const seen = { ...seenWith('next.test'), kept: { ...seenWith('next.test').kept, digest } };
    const happenings: readonly Happening[] = [
      ...servingHappenings,
      [2_000, { type: 'certificatesSeen', seen: seen as CertificatesSeen }],
    ];
    expect(shown('certificates', 3_000, happenings)).toMatch(/ To come tls\.crt 89 d 23 h left/);
  });

  test('says that there is nothing before there is something', () => {
    for (const region of ['launches', 'handovers']) {
      expect(shown(region, 0, [])).toBe('None yet.');
    }
    expect(shown('certificates', 0, [])).toBe('No folders are watched.');
  });

  test('is whole and well-formed with fifty of everything', () => {
    const happenings: Happening[] = [...servingHappenings];
    for (let count = 2; count < 60; count += 1) {
      const atMs = count * 1_000_000;
      happenings.push([atMs, crashed(count - 1, 'SIGSEGV')]);
      happenings.push([atMs, { type: 'desiredChanged', desired: desiredVersion(count) }]);
      happenings.push([atMs + 200, { type: 'timerFired', timer: 'retry' }]);
      happenings.push([atMs + 200, checksPassed(count)]);
      happenings.push([atMs + 300, { type: 'launchLive', launch: launchIdOf(count) }]);
    }
    const text = pageText(overviewAt(60_000_000, happenings));
    expect(text).toContain('41 older launches');
    expect(text).toContain('42 older handovers');
    expect(unclosed(text)).toEqual([]);
    expect(Buffer.byteLength(text)).toBeLessThan(120_000);
  });

  test('shows nothing of others making as markup', () => {
    const overview = { ...overviewAt(4_000, hostileHappenings), name: HOSTILE };
    const text = pageText(overview).replace(pageAssets.script, '').replace(pageAssets.style, '');
    expect(text.match(/&lt;img src=x onerror=alert\(2\)&gt;/g)?.length).toBeGreaterThan(6);
    expect(text).not.toMatch(/<img|onerror=alert\(2\)>|alert\(1\)<\/script>/);
    expect(text).not.toContain('\u0000');
    expect(text).not.toContain('\u202e');
    expect(unclosed(text)).toEqual([]);
    for (const markup of pageRegions(overview).values()) expect(markup).not.toMatch(/<img|<script/);
  });

  test('has regions that stay the same while time goes by and nothing happens', () => {
    const happenings: readonly Happening[] = [
      ...handoverHappenings,
      [10_500, { type: 'certificatesSeen', seen: seenWith('service.test') }],
    ];
    const first = pageRegions(overviewAt(10_600, happenings));
    expect(pageRegions(overviewAt(19_876, happenings))).toEqual(first);
  });

  test('allows the browser its own script and style alone, and nobody to frame it', async () => {
    const { headers } = await answerPage(fakeAgentFace());
    const policy = headers['content-security-policy'] ?? '';
    const hashOf = (text: string) => createHash('sha256').update(text).digest('base64');
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src 'sha256-${hashOf(pageAssets.script)}'`,
      `style-src 'sha256-${hashOf(pageAssets.style)}'`,
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
  });

  test('is made of less than 40 KB, script, style and an empty page together', () => {
    expect(Buffer.byteLength(pageText(overviewAt(0, [])))).toBeLessThan(40_000);
    expect(Buffer.byteLength(pageAssets.script + pageAssets.style)).toBeLessThan(16_000);
  });

  test('has no form and nothing from elsewhere', () => {
    const text = pageText(overviewAt(4_000, hostileHappenings));
    expect(text).not.toMatch(/<form|<button|<input|<iframe| style="| on[a-z]+="/);
    const links = [...text.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !/^(\/|#|data:image\/svg)/.test(link))).toEqual([]);
  });

  test('tells of a result what it was, of each handover why', () => {
    const failed: Event = {
      type: 'checksFailed',
      handover: handoverIdOf(2),
      problems: ['Envoy rejects it.'],
      exitCode: 78,
    };
    const changed = handoverHappenings.slice(0, servingHappenings.length + 1);
    const happenings: readonly Happening[] = [...changed, [11_000, failed]];
    expect(shown('handovers', 12_000, happenings)).toContain('H2 refused auto');
    expect(shown('handovers', 12_000, happenings)).toContain('refused: Envoy rejects it.');
    expect(shown('glance', 12_000, happenings)).toContain(
      'bootstrap b2000000, binary e2000000 given up 1 s ago by H2: Envoy rejects it.',
    );
  });
});

function seenWith(subject: string, daysLeft = 90): CertificatesSeen {
  const notAfterMs = FIRST_WALL_MS + daysLeft * 86_400_000;
  const leaf = {
    path: '/etc/certs/tls.crt',
    subject,
    serialNumber: '0A',
    notBeforeMs: FIRST_WALL_MS - 90 * 86_400_000,
    notAfterMs,
  };
  return {
    verdict: 'accepted',
    problems: [],
    kept: { digest: digestOf('c1'.padEnd(64, '0')), leaves: [leaf] },
    wallMs: FIRST_WALL_MS + 2_000,
    atMs: 2_000,
  };
}

/** Tags that are not closed in the order in which they were opened. */
function unclosed(text: string): readonly string[] {
  const open: string[] = [];
  const inner = text.replace(pageAssets.script, '').replace(pageAssets.style, '');
  for (const [, slash, name = '', closed] of inner.matchAll(/<(\/?)([a-z0-9]+)[^>]*?(\/?)>/g)) {
    if (['meta', 'link', 'br'].includes(name) || closed === '/') continue;
    if (slash !== '/') open.push(name);
    else if (open.at(-1) === name) open.pop();
    else open.push(`/${name}`);
  }
  return open;
}
