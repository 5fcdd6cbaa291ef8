import { describe, expect, test } from 'vitest';
import type { CertificatesSeen } from '../../src/core/certificates-seen.ts';
import type { Event } from '../../src/core/events.ts';
import { digestOf, launchIdOf } from '../../src/core/model.ts';
import {
  checksPassed,
  crashed,
  defaultPolicy,
  type Happening,
  handoverHappenings,
  servingHappenings,
  sigterm,
} from '../support/agent-states.ts';
import { metricsAfter, samplesOf } from '../support/metrics-after.ts';
import { promtool } from '../support/promtool.ts';

const secondLive: Event = { type: 'launchLive', launch: launchIdOf(2) };

describe('the metrics', () => {
  test('are in the text format, each family with its help and type, no sample twice', async () => {
    const text = await (await metricsAfter(handoverHappenings)).text();
    const samples = samplesOf(text);
    const families = new Set(
      [...text.matchAll(/^# TYPE (\S+) (?:counter|gauge|histogram)$/gm)].map(([, name]) => name),
    );
    for (const name of samples.keys()) {
      const family = name.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '');
      expect(families).toContain(family);
      expect(text).toMatch(new RegExp(`^# HELP ${family} \\S`, 'm'));
    }
  });

  test('count launches and handovers by mode, trigger and result', async () => {
    const metrics = await metricsAfter([...handoverHappenings, [10_250, secondLive]]);
    const samples = samplesOf(await metrics.text());
    expect(samples.get('baton_launches_total{mode="cold"}')).toBe(1);
    expect(samples.get('baton_launches_total{mode="hot"}')).toBe(1);
    expect(
      samples.get('baton_handovers_total{mode="cold",trigger="start",result="committed"}'),
    ).toBe(1);
    expect(
      samples.get('baton_handovers_total{mode="hot",trigger="certificates",result="committed"}'),
    ).toBe(1);
    const duration = 'baton_handover_duration_seconds';
    expect(samples.get(`${duration}_sum{mode="hot",result="committed"}`)).toBeCloseTo(0.25);
    expect(samples.get(`${duration}_bucket{le="0.1",mode="hot",result="committed"}`)).toBe(0);
    expect(samples.get(`${duration}_bucket{le="0.25",mode="hot",result="committed"}`)).toBe(1);
  });

  test('tell ready, phase, launches and tokens as they are now', async () => {
    const metrics = await metricsAfter(handoverHappenings);
    const samples = samplesOf(await metrics.text());
    expect(samples.get('baton_ready')).toBe(1);
    expect(samples.get('baton_phase{phase="running"}')).toBe(1);
    expect(samples.get('baton_phase{phase="backoff"}')).toBe(0);
    expect(samples.get('baton_launches{stage="live"}')).toBe(1);
    expect(samples.get('baton_launches{stage="starting"}')).toBe(1);
    expect(samples.get('baton_restart_tokens')).toBe(10);
    expect(samples.get('baton_restart_tokens_left')).toBe(10);
  });

  test('count a crash once and the token it costs', async () => {
    const metrics = await metricsAfter([
      ...servingHappenings,
      [5_000, crashed(1, 'SIGSEGV')],
      [5_100, crashed(1, 'SIGSEGV')],
    ]);
    const samples = samplesOf(await metrics.text());
    expect(samples.get('baton_crashes_total{outcome="killed",when="live"}')).toBe(1);
    expect(samples.get('baton_restart_tokens_left')).toBe(9);
    expect(samples.get('baton_ready')).toBe(0);
  });

  test('count no crash when Envoy ends because of a stop', async () => {
    const metrics = await metricsAfter([
      ...servingHappenings,
      [1_000, sigterm],
      [2_000, crashed(1, 'SIGTERM')],
    ]);
    expect(await metrics.text()).not.toMatch(/^baton_crashes_total\{/m);
  });

  test('tell that one of two Envoys is missing, and nothing where there is to be one', async () => {
    const metric = 'baton_standby_missing';
    const withOne = await metricsAfter(servingHappenings);
    expect(samplesOf(await withOne.text()).get(metric)).toBe(0);

    const standby = { ...defaultPolicy, standby: true };
    const missing = await metricsAfter(servingHappenings, standby);
    expect(samplesOf(await missing.text()).get(metric)).toBe(1);

    const secondStarts: readonly Happening[] = [
      [100, checksPassed(2)],
      [200, secondLive],
    ];
    const both = await metricsAfter([...servingHappenings, ...secondStarts], standby);
    expect(samplesOf(await both.text()).get(metric)).toBe(0);
  });

  test('forget a certificate that is no longer in use', async () => {
    const metrics = await metricsAfter([
      [0, seenLeaf('old.pem', 1_000_000)],
      [100, seenLeaf('new.pem', 2_000_400)],
    ]);
    const samples = samplesOf(await metrics.text());
    expect(samples.get('baton_certificate_not_after_seconds{file="new.pem"}')).toBe(2_000);
    expect([...samples.keys()].join()).not.toContain('old.pem');
  });

  test('tell the verdict of the last look, and count those of all', async () => {
    const look = (verdict: CertificatesSeen['verdict']): Happening => [
      0,
      { type: 'certificatesSeen', seen: { verdict, problems: [], wallMs: 0, atMs: 0 } },
    ];
    const metrics = await metricsAfter([look('accepted'), look('mismatched'), look('mismatched')]);
    const samples = samplesOf(await metrics.text());
    expect(samples.get('baton_certificate_verdict{verdict="mismatched"}')).toBe(1);
    expect(samples.get('baton_certificate_verdict{verdict="accepted"}')).toBe(0);
    expect(samples.get('baton_certificate_looks_total{verdict="mismatched"}')).toBe(2);
    expect(samples.get('baton_certificate_looks_total{verdict="accepted"}')).toBe(1);
    expect(samples.get('baton_certificate_looks_total{verdict="expired"}')).toBe(0);
  });

  test('escape what a file is called', async () => {
    const metrics = await metricsAfter([[0, seenLeaf('a"\n\\b.pem', 1_000)]]);
    expect(
      samplesOf(await metrics.text()).get(
        'baton_certificate_not_after_seconds{file="a\\"\\n\\\\b.pem"}',
      ),
    ).toBe(1);
  });

  test('add up dropped lines, and tell versions and start of the agent', async () => {
    const metrics = await metricsAfter([]);
    metrics.addDroppedLines(3);
    metrics.addDroppedLines(4);
    const samples = samplesOf(await metrics.text());
    expect(samples.get('baton_envoy_lines_dropped_total')).toBe(7);
    expect(samples.get('baton_build_info{version="1.2.3",node="v20.20.0"}')).toBe(1);
    expect(samples.get('baton_process_start_time_seconds')).toBe(1_700_000_000.5);
    expect(samples.get('baton_process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  });

  test('are all told apart from those of others by their names, and accepted by a strict reader', async () => {
    const text = await (await metricsAfter(handoverHappenings)).text();

    expect([...samplesOf(text).keys()].filter((name) => !name.startsWith('baton_'))).toEqual([]);
    expect(await promtool(['check', 'metrics'], text)).toEqual({ code: 0, output: '' });
  });

  test('tell for how long a handover was in each step, and in which it is for how long', async () => {
    const text = await (await metricsAfter(handoverHappenings, defaultPolicy, 12_500)).text();
    const samples = samplesOf(text);

    expect(samples.get('baton_handover_step_duration_seconds_count{step="checking"}')).toBe(2);
    expect(samples.get('baton_handover_step_duration_seconds_sum{step="starting"}')).toBeCloseTo(
      0.1,
    );
    expect(samples.get('baton_handover_in_progress_seconds{step="starting"}')).toBe(2.5);
    expect(samples.get('baton_handover_in_progress_seconds{step="checking"}')).toBe(0);
  });

  test('count when the agent became ready and when it ceased to be', async () => {
    const metrics = await metricsAfter([...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]]);
    const samples = samplesOf(await metrics.text());

    expect(samples.get('baton_readiness_transitions_total{to="ready"}')).toBe(1);
    expect(samples.get('baton_readiness_transitions_total{to="notReady"}')).toBe(1);
  });

  test('count what began no handover of its own', async () => {
    const request = { type: 'restartRequested', trigger: 'request', mode: 'auto' } as const;
    const metrics = await metricsAfter([
      ...handoverHappenings,
      [10_100, { type: 'partHeld', part: 'certificates', problems: ['not whole'] }],
      [10_200, request],
      [10_300, request],
    ]);
    const samples = samplesOf(await metrics.text());

    expect(samples.get('baton_triggers_suppressed_total{reason="held"}')).toBe(1);
    expect(samples.get('baton_triggers_suppressed_total{reason="joined"}')).toBe(1);
    expect(samples.get('baton_triggers_suppressed_total{reason="stopping"}')).toBe(0);
  });

  test('count the connections that an old Envoy still had, and none of one that crashed', async () => {
    const left = 'baton_launch_connections_left';
    const old = await metricsAfter([
      ...handoverHappenings,
      [10_100, secondLive],
      [20_000, { type: 'connectionsCounted', launch: launchIdOf(1), count: 3 }],
      [70_000, crashed(1, 'SIGTERM')],
    ]);
    const crash = await metricsAfter([...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]]);

    const samples = samplesOf(await old.text());
    expect(samples.get(`${left}_sum`)).toBe(3);
    expect(samples.get(`${left}_bucket{le="1"}`)).toBe(0);
    expect(samplesOf(await crash.text()).get(`${left}_count`)).toBe(0);
  });

  test('count what the merged page went without, from 0 on', async () => {
    const metrics = await metricsAfter([]);
    metrics.scrapes.scrape();
    metrics.scrapes.failure('application', 'late');
    metrics.scrapes.leftOut('envoy', { invalid: 2, clash: 0 });
    const samples = samplesOf(await metrics.text());

    const failures = 'baton_scrape_failures_total';
    expect(samples.get('baton_scrapes_total')).toBe(1);
    expect(samples.get(`${failures}{source="application",reason="late"}`)).toBe(1);
    expect(samples.get(`${failures}{source="envoy",reason="late"}`)).toBe(0);
    expect(samples.get('baton_scrape_lines_left_out_total{source="envoy",reason="invalid"}')).toBe(
      2,
    );
  });

  test('do not count the time of the agent twice when scraped twice', async () => {
    const metrics = await metricsAfter([]);
    await metrics.text();
    const seconds = samplesOf(await metrics.text()).get('baton_process_cpu_seconds_total') ?? 0;
    const { user, system } = process.cpuUsage();
    expect(seconds).toBeLessThanOrEqual((user + system) / 1e6);
  });
});

function seenLeaf(path: string, notAfterMs: number): Event {
  const leaf = { path, subject: 'CN=a', serialNumber: '01', notBeforeMs: 0, notAfterMs };
  const kept = { digest: digestOf('a'), leaves: [leaf] };
  return {
    type: 'certificatesSeen',
    seen: { verdict: 'accepted', problems: [], kept, wallMs: 0, atMs: 0 },
  };
}
