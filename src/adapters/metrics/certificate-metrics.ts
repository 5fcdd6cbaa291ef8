/** What the looks at the certificate folders found, as metrics. */
import type { Counter, Gauge, Registry } from 'prom-client';
import { heldKinds } from '../../core/certificate-verdict.ts';
import { type CertificatesSeen, leavesInUse } from '../../core/certificates-seen.ts';
import type { Event } from '../../core/events.ts';
import type { State } from '../../core/state.ts';

export interface CertificateMetrics {
  observe(transition: { readonly event: Event; readonly before: State }): void;
  read(state: State): void;
}

const VERDICTS: readonly CertificatesSeen['verdict'][] = [
  'accepted',
  'unchanged',
  'absent',
  'unsaved',
  ...heldKinds,
];

interface Kinds {
  readonly Counter: typeof Counter;
  readonly Gauge: typeof Gauge;
}

export function createCertificateMetrics(
  { Counter, Gauge }: Kinds,
  registry: Registry,
): CertificateMetrics {
  const registers = [registry];
  const looks = new Counter({
    name: 'baton_certificate_looks_total',
    help: 'Looks at the certificate folders, by their verdict.',
    labelNames: ['verdict'],
    registers,
  });
  const failures = new Counter({
    name: 'baton_certificate_delivery_failures_total',
    help: 'Deliveries by file SDS that Envoy did not load; a restart followed.',
    registers,
  });
  const gauges = createGauges(Gauge, registers);
  for (const verdict of VERDICTS) looks.inc({ verdict }, 0);
  return {
    observe: ({ event, before }) => {
      if (event.type === 'certificatesSeen') looks.inc({ verdict: event.seen.verdict });
      const isFailure = event.type === 'deliveryFailed' && before.handover?.id === event.handover;
      if (isFailure) failures.inc();
    },
    read: (state) => readGauges(gauges, state),
  };
}

type Gauges = ReturnType<typeof createGauges>;

function createGauges(GaugeOf: typeof Gauge, registers: Registry[]) {
  return {
    verdict: new GaugeOf({
      name: 'baton_certificate_verdict',
      help: '1 for the verdict of the last look at the certificate folders, 0 for the others.',
      labelNames: ['verdict'],
      registers,
    }),
    begin: new GaugeOf({
      name: 'baton_certificate_not_before_seconds',
      help: 'When a certificate in use began, in seconds since 1970.',
      labelNames: ['file'],
      registers,
    }),
    end: new GaugeOf({
      name: 'baton_certificate_not_after_seconds',
      help: 'When a certificate in use ends, in seconds since 1970.',
      labelNames: ['file'],
      registers,
    }),
    unproved: new GaugeOf({
      name: 'baton_certificates_unproved',
      help: 'Launches that do not show the certificates they were given.',
      registers,
    }),
  };
}

function readGauges(gauges: Gauges, state: State): void {
  const { certificates, launches } = state;
  for (const verdict of VERDICTS) {
    gauges.verdict.set({ verdict }, certificates?.seen.verdict === verdict ? 1 : 0);
  }
  gauges.begin.reset();
  gauges.end.reset();
  for (const { path: file, notBeforeMs, notAfterMs } of leavesInUse(state)) {
    gauges.begin.set({ file }, Math.round(notBeforeMs / 1_000));
    gauges.end.set({ file }, Math.round(notAfterMs / 1_000));
  }
  gauges.unproved.set(launches.filter(({ unproved }) => unproved !== undefined).length);
}
