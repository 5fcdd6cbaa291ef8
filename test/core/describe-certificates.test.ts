import { describe, expect, it } from 'vitest';
import type { CertificatesSeen, LeafFacts } from '../../src/core/certificates-seen.ts';
import { describe as describeTold } from '../../src/core/describe.ts';
import type { Event } from '../../src/core/events.ts';
import { step } from '../../src/core/lifecycle.ts';
import type { LogRecord } from '../../src/core/log-record.ts';
import { digestOf, handoverIdOf, launchIdOf } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { unlistedFields } from '../support/listed-fields.ts';
import { handingOver, NEW, policy, serving, take } from '../support/states.ts';

const WALL_MS = 1_700_000_000_000;
const LIFETIME_MS = 100_000;

function leafOf(patch: Partial<LeafFacts> = {}): LeafFacts {
  const dates = { notBeforeMs: WALL_MS, notAfterMs: WALL_MS + LIFETIME_MS };
  return { path: '/certs/tls.crt', subject: 'CN=a', serialNumber: '0A', ...dates, ...patch };
}

/** A look this long after the first one, by a wall clock that may go its own way. */
function lookAt(afterMs: number, patch: Partial<CertificatesSeen> = {}, leaf = leafOf()): Event {
  const kept = { digest: digestOf('certificates-1'), leaves: [leaf] };
  const at = { wallMs: WALL_MS + afterMs, atMs: afterMs };
  const seen = { verdict: 'unchanged', problems: [], kept, ...at } as const;
  return { type: 'certificatesSeen', seen: { ...seen, ...patch } };
}

type Happening = readonly [atMs: number, event: Event];

function told(happenings: readonly Happening[], start: State = serving): readonly LogRecord[] {
  let before = start;
  return happenings.flatMap(([atMs, event]) => {
    const { state: after, effects } = step(before, event, { atMs, chance: 0 }, policy);
    const records = describeTold({ event, before, after, effects, atMs, policy });
    before = after;
    for (const { message, fields } of records) expect(unlistedFields(message, fields)).toEqual([]);
    return records;
  });
}

const messages = (happenings: readonly Happening[], start?: State) =>
  told(happenings, start).map(({ level, message }) => `${level}: ${message}`);

describe('looks at the certificates', () => {
  it('are told when they find a new set, with what is in it and no more', () => {
    const [record, ...others] = told([
      [0, lookAt(0)],
      [30_000, lookAt(30_000)],
    ]);
    expect(others).toEqual([]);
    expect(record).toEqual({
      level: 'info',
      message: 'certificates accepted',
      fields: {
        certificates: 'certific',
        leaves: [
          {
            path: '/certs/tls.crt',
            subject: 'CN=a',
            serialNumber: '0A',
            notAfter: '2023-11-14T22:15:00Z',
          },
        ],
      },
    });
  });

  it('warn on the way to the end, once at each step', () => {
    const looks: readonly Happening[] = [
      0, 79_000, 81_000, 85_000, 91_000, 95_000, 101_000, 131_000,
    ].map((ms) => [ms, lookAt(ms)]);
    expect(messages(looks).slice(1)).toEqual([
      'warn: certificate should have been renewed',
      'error: certificate ends soon',
      'error: certificate has ended',
    ]);
  });

  it('tell of one that nears its end already when it comes into use', () => {
    const late = leafOf({ serialNumber: '0C', notAfterMs: WALL_MS + 31_000 });
    const kept = { digest: digestOf('certificates-2'), leaves: [late] };
    const handover = handoverIdOf(2);
    const happenings: readonly Happening[] = [
      [0, lookAt(0)],
      [29_000, lookAt(29_000, { kept, verdict: 'accepted' })],
      [29_001, { type: 'desiredChanged', desired: NEW }],
      [29_002, { type: 'checksPassed', handover, speaksSameVersion: true }],
      [29_003, { type: 'launchLive', launch: launchIdOf(2) }],
      [30_000, lookAt(30_000, { kept })],
      [30_500, lookAt(30_500, { kept })],
    ];
    const ends = messages(happenings).filter((one) => /ends soon|renewed/.test(one));
    expect(ends).toEqual(['error: certificate ends soon']);
  });

  it('begin anew with a renewed certificate, also of the same name', () => {
    const renewed = leafOf({ serialNumber: '0B', notAfterMs: WALL_MS + 83_000 });
    expect(
      messages([
        [81_000, lookAt(81_000)],
        [82_000, lookAt(82_000, {}, renewed)],
      ]),
    ).toEqual([
      'info: certificates accepted',
      'warn: certificate should have been renewed',
      'error: certificate ends soon',
    ]);
  });

  it('warn while a newer set is held as well: what serves goes towards its end', () => {
    const held = lookAt(95_000, { verdict: 'mismatched', problems: ['No.'], advice: 'Do.' });
    expect(
      messages([
        [0, lookAt(0)],
        [95_000, held],
      ]),
    ).toContain('error: certificate ends soon');
  });

  it('tell of a clock that has jumped, in either direction, and not of one that is kept', () => {
    const looks: readonly Happening[] = [
      [0, lookAt(0)],
      [30_000, lookAt(31_000, { atMs: 30_000 })],
      [60_000, lookAt(71_000, { atMs: 60_000 })],
      [90_000, lookAt(1_000, { atMs: 90_000 })],
    ];
    expect(told(looks).slice(1)).toEqual([
      { level: 'warn', message: 'wall clock jumped', fields: { byMs: 10_000 } },
      { level: 'warn', message: 'wall clock jumped', fields: { byMs: -100_000 } },
    ]);
  });
});

describe('certificates that are held', () => {
  it.each([
    ['waitingForOtherHalf', 'warn'],
    ['mismatched', 'error'],
  ] as const)('are told of by what is wrong with them: %s', (verdict, level) => {
    const problems = ['no'];
    const held: Event = { type: 'partHeld', part: 'certificates', problems };
    const [record] = told([
      [0, lookAt(0, { verdict, problems })],
      [0, held],
    ]).slice(-1);
    expect(record).toMatchObject({
      ...{ level, message: 'held at its last good state' },
      fields: { part: 'certificates', verdict, problems },
    });
  });
});

describe('what came of certificates', () => {
  const H2 = handoverIdOf(2);
  const L2 = launchIdOf(2);
  const { state: waiting } = take(handingOver, {
    type: 'launchLive',
    launch: L2,
    awaitsProof: true,
  });

  it.each([
    ['info: certificates loaded in place', { type: 'certificatesDelivered', handover: H2 }],
    [
      'warn: certificates not loaded in place',
      { type: 'deliveryFailed', handover: H2, problems: ['L1: no'] },
    ],
    ['debug: certificates proved', { type: 'certificatesProved', launch: L2 }],
    ['debug: certificates not proved', { type: 'certificatesProved', launch: L2, problem: 'no' }],
  ] as const)('is told: %s', (message, event: Event) => {
    expect(messages([[0, event]], waiting)).toContain(message);
  });

  it.each([
    { type: 'deliveryFailed', handover: handoverIdOf(7), problems: ['L1: no'] },
    { type: 'certificatesProved', launch: launchIdOf(7), problem: 'no' },
  ] as const)('is not told of what was overtaken: $type', (event) => {
    expect(messages([[0, event]], waiting)).toEqual([]);
  });
});
