/** What is wanted against what is: the one place where a handover begins that nothing forced. */
import { lifetimeLeftMs } from './certificates-seen.ts';
import { changesOf } from './changes.ts';
import { beginHandover, beginRescue } from './handover.ts';
import { sameDesired, type Trigger } from './model.ts';
import type { State } from './state.ts';
import { arm, disarm, failingLaunch, servingLaunch, setState, type Turn } from './turn.ts';

/** Idempotent: whatever just happened, does what is wanted still differ from what is? */
export function reconcile(turn: Turn): Turn {
  const { state, policy } = turn;
  const isBusy = state.stop !== undefined || state.handover !== undefined;
  if (isBusy || state.desired === undefined) return turn;
  if (servingLaunch(state) === undefined) return startServing(turn);
  if (state.launches.some(({ stage }) => stage !== 'live')) return turn;
  const failing = failingLaunch(state);
  const isDue = failing !== undefined && !state.timers.has(`replace:${failing.id}`);
  // Whose replacement failed waits for the next try, unless something else is to be done anyway.
  if (isDue) return beginRescue(turn, failing.id);
  if (state.pending.length > 0) return startChange(turn);
  if (changesOf(state, policy).length === 0) return keepStandby(disarm(turn, 'jitter'));
  return policy.jitterMs === 0 ? startChange(turn) : delayByChance(turn);
}

/** However the dice fall, and whatever the clock does meanwhile: not past what serves now. */
function delayByChance(turn: Turn): Turn {
  const { state, policy, atMs } = turn;
  const isOfCertificates = changesOf(state, policy).includes('certificates');
  const leftMs = isOfCertificates ? lifetimeLeftMs(state, atMs) : undefined;
  const mostMs = leftMs === undefined ? policy.jitterMs : leftMs - policy.expiryMarginMs;
  if (mostMs <= 0) return startChange(turn);
  const armedMs = state.timers.get('jitter');
  if (armedMs !== undefined && armedMs <= atMs + mostMs + 1) return turn;
  // Cut, not capped: all who share the end of these certificates would else begin in one second.
  return arm(turn, 'jitter', Math.min(mostMs, policy.jitterMs) * turn.chance);
}

function startServing(turn: Turn): Turn {
  const { launchCount, committed } = turn.state;
  return beginHandover(turn, {
    triggers: [launchCount === 0 ? 'start' : 'crash'],
    askedMode: 'auto',
    aim: committed === undefined ? 'change' : 'restore',
    requests: [],
  });
}

/** With one Envoy too few there will be two; one that serves an older change follows. */
function keepStandby(turn: Turn): Turn {
  const { state, policy } = turn;
  if (!policy.standby || state.standbyGivenUp === state.generation) return turn;
  const outdated = state.launches.find(({ generation }) => generation < state.generation);
  if (outdated === undefined && state.launches.length > 1) return turn;
  return beginHandover(turn, {
    triggers: ['standby'],
    askedMode: 'auto',
    aim: 'standby',
    ...(outdated === undefined ? {} : { replaces: outdated.id }),
    requests: [],
  });
}

/** What was asked for by hand and what changed on disk become one handover. */
export function startChange(turn: Turn): Turn {
  const { state, policy } = turn;
  const asked = state.pending.map(({ trigger }) => trigger);
  const triggers = [...new Set<Trigger>([...changesOf(state, policy), ...asked])];
  const isBusy = state.handover !== undefined || state.stop !== undefined;
  if (triggers.length === 0 || isBusy) return turn;
  const isAlone = asked.length === 0 && sameDesired(state.desired, state.refused?.what);
  return beginHandover(setState(turn, { pending: [] }), {
    triggers,
    ...(isAlone ? { scope: 'certificates' } : {}),
    askedMode: state.pending.findLast(({ mode }) => mode !== 'auto')?.mode ?? 'auto',
    aim: 'change',
    ...replacing(state),
    requests: state.pending.flatMap(({ id }) => (id === undefined ? [] : [id])),
  });
}

/** Of two the one that is further behind, so that under steady changes both take turns. */
function replacing({ launches }: State) {
  const [first, ...others] = launches.filter(({ stage }) => stage === 'live');
  if (first === undefined) return {};
  const replaced = others.reduce(
    (oldest, one) => (one.generation <= oldest.generation ? one : oldest),
    first,
  );
  return { replaces: replaced.id };
}
