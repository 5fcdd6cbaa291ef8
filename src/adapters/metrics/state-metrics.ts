/** What the state of the agent is at the moment of a scrape. */
import type { Gauge, Registry } from 'prom-client';
import type { Part, Phase, Policy, Stage } from '../../core/model.ts';
import { isReady } from '../../core/readiness.ts';
import { tokensLeft } from '../../core/restart-tokens.ts';
import { isStandbyMissing } from '../../core/standby-status.ts';
import type { State } from '../../core/state.ts';

export interface StateMetrics {
  read(state: State): void;
}

const PHASES: readonly Phase[] = ['waiting', 'running', 'backoff', 'draining', 'stopped'];
const STAGES: readonly Stage[] = ['starting', 'live', 'retiring', 'stopping'];
const PARTS: readonly Part[] = ['certificates', 'bootstrap', 'binary'];

type StatePolicy = Pick<Policy, 'restartTokens' | 'standby'>;

interface Kinds {
  readonly Gauge: typeof Gauge;
}

export function createStateMetrics(
  kinds: Kinds,
  registry: Registry,
  policy: StatePolicy,
): StateMetrics {
  const gauges = createGauges(kinds, registry);
  return { read: (state) => readGauges(gauges, state, policy) };
}

interface Gauges {
  readonly ready: Gauge;
  readonly phase: Gauge<'phase'>;
  readonly launches: Gauge<'stage'>;
  readonly tokens: Gauge;
  readonly tokensLeft: Gauge;
  readonly held: Gauge<'part'>;
  readonly givenUp: Gauge;
  readonly silent: Gauge;
  readonly standbyMissing: Gauge;
  readonly drained: Gauge;
}

function createGauges({ Gauge }: Kinds, registry: Registry): Gauges {
  const gauge = <Label extends string = never>(
    name: string,
    help: string,
    ...labelNames: readonly Label[]
  ) => new Gauge<Label>({ name, help, labelNames: [...labelNames], registers: [registry] });
  return {
    ready: gauge('baton_ready', 'Whether traffic may come: 1 or 0.'),
    phase: gauge('baton_phase', '1 for the phase the agent is in, 0 for the others.', 'phase'),
    launches: gauge('baton_launches', 'Living launches by stage.', 'stage'),
    tokens: gauge('baton_restart_tokens', 'Restart tokens in all.'),
    tokensLeft: gauge('baton_restart_tokens_left', 'Restart tokens not spent yet.'),
    held: gauge(
      'baton_held',
      '1 for a part on disk that is held at its last good state, 0 for the others.',
      'part',
    ),
    givenUp: gauge(
      'baton_change_given_up',
      '1 while what is on disk was given up and something older serves.',
    ),
    silent: gauge(
      'baton_envoy_silent_seconds',
      'For how long the most silent Envoy has left its admin unanswered; 0: all answer.',
    ),
    standbyMissing: gauge(
      'baton_standby_missing',
      '1 while BATON_STANDBY is on and fewer than two Envoys serve.',
    ),
    drained: gauge('baton_drained', '1 while it is out of rotation by `baton drain`.'),
  };
}

function readGauges(gauges: Gauges, state: State, policy: StatePolicy): void {
  gauges.ready.set(isReady(state) ? 1 : 0);
  gauges.tokens.set(policy.restartTokens);
  gauges.tokensLeft.set(tokensLeft(state.crashes.length, policy));
  gauges.givenUp.set(state.refused === undefined ? 0 : 1);
  gauges.standbyMissing.set(isStandbyMissing(state, policy) ? 1 : 0);
  gauges.drained.set(state.drained === undefined ? 0 : 1);
  gauges.silent.set(Math.max(0, ...state.launches.map(({ silentMs = 0 }) => silentMs / 1000)));
  for (const phase of PHASES) gauges.phase.set({ phase }, phase === state.phase ? 1 : 0);
  for (const part of PARTS) gauges.held.set({ part }, state.held.has(part) ? 1 : 0);
  for (const stage of STAGES) {
    const living = state.launches.filter((launch) => launch.stage === stage);
    gauges.launches.set({ stage }, living.length);
  }
}
