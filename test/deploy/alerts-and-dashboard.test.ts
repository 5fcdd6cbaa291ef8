import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { digestOf, launchIdOf } from '../../src/core/model.ts';
import {
  crashed,
  desiredVersion,
  type Happening,
  handoverHappenings,
} from '../support/agent-states.ts';
import { metricsAfter, samplesOf } from '../support/metrics-after.ts';
import { promtool } from '../support/promtool.ts';

const root = new URL('../..', import.meta.url);
const rulesPath = new URL('deploy/alert-rules.yaml', root).pathname;
const dashboardPath = new URL('deploy/grafana-dashboard.json', root).pathname;

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly templating: { readonly list: readonly { readonly definition?: string }[] };
}

const rules = (
  parse(readFileSync(rulesPath, 'utf8')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(dashboardPath, 'utf8')) as Dashboard;
/** Prometheus and Grafana know these themselves. */
const GIVEN_LABELS = ['instance', 'job', 'le'];

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-rules-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the alert rules', () => {
  test('are what Prometheus takes for rules', async () => {
    expect((await promtool(['check', 'rules', rulesPath])).code).toBe(0);
  });

  test.each(rules)('$alert speaks of metrics, labels and values that there are', async (rule) => {
    const known = await exposed();
    const words = Object.values(rule.annotations).join(' ');

    expect(unknownIn(rule.expr, known)).toEqual([]);
    expect(labelsIn(words, /\$labels\.(\w+)/g).filter((label) => !known.labels.has(label))).toEqual(
      [],
    );
  });

  test.each<[string, string, Readonly<Record<string, string>>]>([
    ['BatonNotReady', '5m', { 'baton_ready{}': '0x9', 'baton_phase{phase="backoff"}': '1x9' }],
    [
      'BatonCrashLoop',
      '10m',
      { 'baton_crashes_total{outcome="exited",when="live"}': '0 1 2 3 4 5 6 7 8 9' },
    ],
    [
      'BatonCrashLoop',
      '1m',
      { 'baton_restart_tokens{}': '10x3', 'baton_restart_tokens_left{}': '3x3' },
    ],
    ['BatonChangeGivenUp', '5m', { 'baton_change_given_up{}': '1x9' }],
    [
      'BatonHandoversFail',
      '5m',
      { 'baton_handovers_total{mode="hot",trigger="binary",result="rolledBack"}': '0 0 1 1 1 1' },
    ],
    [
      'BatonHandoverTakesLong',
      '1m',
      { 'baton_handover_in_progress_seconds{step="headroom"}': '400x3' },
    ],
    ['BatonPartHeld', '15m', { 'baton_held{part="certificates"}': '1x20' }],
    [
      'BatonCertificateEndsSoon',
      '15m',
      {
        'baton_certificate_not_after_seconds{file="a"}': '4000x20',
        'baton_certificate_not_before_seconds{file="a"}': '-40000x20',
      },
    ],
    ['BatonCertificateExpired', '1m', { 'baton_certificate_not_after_seconds{file="a"}': '30x3' }],
    ['BatonCertificatesUnproved', '3m', { 'baton_certificates_unproved{}': '1x9' }],
    ['BatonEnvoySilent', '1m', { 'baton_envoy_silent_seconds{}': '20x3' }],
    ['BatonStandbyMissing', '9m', { 'baton_standby_missing{}': '1x20' }],
    [
      'BatonConnectionsCut',
      '5m',
      {
        'baton_launch_connections_left_count{}': '0 0 1 1 1 1',
        'baton_launch_connections_left_bucket{le="0"}': '0x5',
      },
    ],
    ['BatonLinesDropped', '5m', { 'baton_envoy_lines_dropped_total{}': '0 0 9 9 9 9' }],
    [
      'BatonScrapeFails',
      '9m',
      { 'baton_scrape_failures_total{source="application",reason="late"}': '0+1x20' },
    ],
  ])('%s fires after %s of its trouble', async (alert, time, series) => {
    expect(await firing(series, time)).toContain(alert);
  });

  test('leave an agent alone that serves, hands over, and stops when it is told to', async () => {
    const samples = samplesOf(await wellText());
    const leaving = {
      'baton_ready{}': '0x30',
      'baton_phase{phase="draining"}': '1x30',
      'baton_phase{phase="stopped"}': '0x30',
    };
    const well = Object.fromEntries([...samples].map(([name, value]) => [name, `${value}x30`]));

    expect(await firing(well, '25m')).toEqual([]);
    expect(await firing(leaving, '25m')).toEqual([]);
  });

  test('have one tried alert each', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });
});

describe('the dashboard', () => {
  const queries = [
    ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...dashboard.annotations.list.map(({ expr }) => expr),
  ];

  test('asks for metrics, labels and values that there are', async () => {
    const known = await exposed();
    const defined = dashboard.templating.list.map(({ definition = '' }) => definition);

    expect([...queries, ...defined].flatMap((query) => unknownIn(query, known))).toEqual([]);
    const legends = dashboard.panels.flatMap(({ targets = [] }) => targets);
    expect(
      legends.flatMap(({ expr, legendFormat }) =>
        labelsIn(legendFormat, /\{\{(\w+)\}\}/g).filter((label) => !expr.includes(label)),
      ),
    ).toEqual([]);
  });

  test('has every metric of the agent somewhere', async () => {
    const asked = new Set(queries.flatMap((query) => labelsIn(query, /\b(baton_[a-z_]+)/g)));
    const { metrics } = await exposed();

    expect(
      [...metrics]
        .filter((name) => ![name, `${name}_sum`, `${name}_bucket`].some((one) => asked.has(one)))
        .sort(),
    ).toEqual([
      'baton_phase',
      'baton_process_start_time_seconds',
      'baton_restart_tokens',
      'baton_scrapes_total',
    ]);
  });

  test('asks in words that Prometheus understands', async () => {
    const filled = queries.map((query) => query.replaceAll(/\$__(?:rate_)?interval/g, '5m'));
    const records = filled.map((expr, at) => ({ record: `query_${at}`, expr }));
    const path = join(folder, 'queries.yaml');
    await writeFile(path, stringify({ groups: [{ name: 'queries', rules: records }] }));

    expect(await promtool(['check', 'rules', path])).toMatchObject({ code: 0 });
  });

  test('has panels with ids of their own that do not cover each other', () => {
    const { panels } = dashboard;
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );

    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});

interface Exposed {
  readonly metrics: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
  /** `label="value"` as it stands in a sample. */
  readonly pairs: ReadonlySet<string>;
}

/** After everything that gives a metric its labels has happened once. */
async function exposed(): Promise<Exposed> {
  const text = await wellText([[80_000, crashed(2, 'SIGSEGV')]]);
  const series = [...samplesOf(text).keys()];
  return {
    metrics: new Set(labelsIn(text, /^# TYPE (\S+)/gm)),
    labels: new Set([...GIVEN_LABELS, ...series.flatMap((one) => labelsIn(one, /[{,](\w+)="/g))]),
    pairs: new Set(series.flatMap((one) => labelsIn(one, /[{,](\w+="[^"]*")/g))),
  };
}

async function wellText(more: readonly Happening[] = []): Promise<string> {
  const inAYear = Math.round(365 * 86_400_000);
  const leaf = {
    path: 'a.pem',
    subject: 'CN=a',
    serialNumber: '1',
    notBeforeMs: 0,
    notAfterMs: inAYear,
  };
  const kept = { digest: desiredVersion(2).certificates ?? digestOf(''), leaves: [leaf] };
  const metrics = await metricsAfter([
    ...handoverHappenings,
    [10_100, { type: 'launchLive', launch: launchIdOf(2) }],
    [10_200, { type: 'connectionsCounted', launch: launchIdOf(1), count: 0 }],
    [
      10_300,
      {
        type: 'certificatesSeen',
        seen: { verdict: 'accepted', problems: [], kept, wallMs: 0, atMs: 0 },
      },
    ],
    [
      75_000,
      {
        type: 'launchExited',
        launch: launchIdOf(1),
        outcome: { kind: 'exited', code: 0 },
        lastLines: [],
      },
    ],
    ...more,
  ]);
  return metrics.text();
}

function labelsIn(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ([, label = '']) => label);
}

/** Results and triggers that no run of the well agent has. */
const OTHER_VALUES = ['result="refused"', 'result="rolledBack"', 'result="unproved"'];

/** Names, labels and values of a query that the agent never tells. */
function unknownIn(query: string, { metrics, labels, pairs }: Exposed): string[] {
  const families = labelsIn(query, /\b(baton_[a-z_]+)/g).map((name) =>
    metrics.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, ''),
  );
  const grouped = labelsIn(query, /\b(?:by|ignoring|on) \(([^)]*)\)/g).flatMap((list) =>
    list.split(/, ?/),
  );
  const matched = Array.from(
    query.matchAll(/(\w+)(=~|!~|=|!=)"([^"]*)"/g),
    ([, label = '', , value = '']) => ({
      label,
      values: value.split('|').filter((one) => !one.startsWith('$')),
    }),
  );
  const values = matched.flatMap(({ label, values: all }) =>
    all.map((value) => `${label}="${value}"`),
  );
  const known = (pair: string) => pairs.has(pair) || OTHER_VALUES.includes(pair);
  return [
    ...families.filter((name) => !metrics.has(name)),
    ...[...grouped, ...matched.map(({ label }) => label)].filter((label) => !labels.has(label)),
    ...values.filter((pair) => !known(pair)),
  ];
}

/** The alerts that fire at this time over series given as Prometheus's own rule tests give them. */
async function firing(
  series: Readonly<Record<string, string>>,
  time: string,
): Promise<readonly string[]> {
  const input_series = Object.entries(series).map(([name, values]) => ({ series: name, values }));
  const alert_rule_test = rules.map(({ alert }) => ({
    eval_time: time,
    alertname: alert,
    exp_alerts: [],
  }));
  const path = join(folder, 'test.yaml');
  const tests = [{ interval: '1m', input_series, alert_rule_test }];
  await writeFile(path, stringify({ rule_files: [rulesPath], evaluation_interval: '1m', tests }));
  const { output } = await promtool(['test', 'rules', path]);
  expect(output).toContain('Unit Testing');
  return [...new Set(labelsIn(output, /^\s*alertname: ?(\w+)/gm))];
}
