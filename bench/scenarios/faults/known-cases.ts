/**
 * Faults and what two other supervisors make of them: the same Envoy 1.40.0, the same judge,
 * 400 requests a second on two cores. pilot-agent 1.1.0 was built from its sources; hot-restarter.py
 * was given a trigger that compares digests every 50 ms, for it has none of its own.
 */
export const CASES = {
  rotation: {
    title: 'a new certificate, until it is served',
    pilotAgent: '10.07 s (a fixed wait of 10 s), 0 lost',
    hotRestarter: '0.12 s, 0 lost',
  },
  killed: {
    title: 'Envoy is killed',
    pilotAgent: 'back after 0.26 s, 89 lost',
    hotRestarter: 'never back, exit 1',
  },
  killedWithStandby: {
    title: 'Envoy is killed, with `BATON_STANDBY=on`',
    pilotAgent: 'has no standby',
    hotRestarter: 'has no standby',
  },
  configBreaks: {
    title: 'the configuration breaks, then a certificate rotates',
    pilotAgent: 'both Envoys killed: down 6.5 s, 2,566 of 7,409 lost',
    hotRestarter: 'down for good',
  },
  keyComesLate: {
    title: 'a certificate is written, its key 15 s later',
    pilotAgent: 'down 6.5 s, 2,588 of 7,429 lost',
    hotRestarter: 'down for good',
  },
  oldKilled: {
    title: 'the old Envoy is killed 1 s after the handover',
    pilotAgent: '92 lost, gap 0.27 s',
    hotRestarter: 'down for good',
  },
  stoppedWithRequests: {
    title: 'SIGTERM with requests of 3 s under way',
    pilotAgent: 'exit after 5.0 s, 0 lost',
    hotRestarter: 'exit after 1.0 s, 66 of 105 lost',
  },
} as const;

export type CaseName = keyof typeof CASES;
