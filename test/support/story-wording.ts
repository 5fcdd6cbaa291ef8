/** How a story words what came of an event: one line for each effect, wait and change of state. */
import type { Effect } from '../../src/core/events.ts';
import type { TimerName } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';

/** Everything that came of one event; nothing is left out, so nothing happens unnoticed. */
export function wordOutcome(
  before: State,
  after: State,
  what: { readonly effects: readonly Effect[]; readonly atMs: number },
): readonly string[] {
  const waits = [...after.timers]
    .filter(([name, dueMs]) => before.timers.get(name) !== dueMs)
    .sort(([, oneMs], [, otherMs]) => oneMs - otherMs);
  const is = wordState(after);
  return [
    ...what.effects.map(wordEffect),
    ...waits.map(([name, dueMs]) => wordWait(name, wordDuration(dueMs - what.atMs))),
    ...(is === wordState(before) ? [] : [`now ${is}`]),
  ];
}

function wordState({ phase, launches, drained }: State): string {
  const stages = launches.map(
    ({ id, stage, isDoomed, isHung }) =>
      `${id} ${stage}${isDoomed ? ' (doomed)' : ''}${isHung ? ' (hung)' : ''}`,
  );
  const rotation = drained === undefined ? '' : ', out of rotation';
  return `${phase}${rotation}: ${stages.length === 0 ? 'no Envoy' : stages.join(', ')}`;
}

function wordEffect(effect: Effect): string {
  switch (effect.type) {
    case 'checkDesired':
      return effect.depth === 'full'
        ? `check ${effect.handover}, Envoy's own validation included`
        : `check ${effect.handover}`;
    case 'deliverCertificates':
      return `put new certificates under ${effect.recipients.map(({ launch }) => launch).join(' and ')}`;
    case 'launchEnvoy':
      return `start ${effect.launch} at epoch ${effect.epoch} of ${effect.lineage}`;
    case 'signalLaunch':
      return `send ${effect.signal} to ${effect.launch}`;
    case 'drainLaunch':
      return DRAINS[effect.purpose](effect.launch);
    case 'repairLineage':
      return `repair the shared memory of ${effect.lineage}`;
    case 'forgetLaunch':
      return `clean up after ${effect.launch}`;
    case 'reportHandover':
      return wordReport(effect);
    case 'exitAgent':
      return `exit with ${effect.code}: ${effect.reason}`;
  }
}

const DRAINS = {
  stop: (launch: string) => `tell the clients of ${launch} to go, and count its connections`,
  handover: (launch: string) => `drain ${launch}, and count its connections`,
  count: (launch: string) => `count the connections of ${launch}`,
};

function wordReport({ end, requests }: Effect & { type: 'reportHandover' }): string {
  const subject = end.id === undefined ? 'report' : `report ${end.id}`;
  const mode = end.mode === undefined ? '' : ` (${end.mode})`;
  const reason = end.reason === undefined ? '' : `: ${end.reason}`;
  const asker = requests.length === 0 ? '' : ` [to ${requests.join(', ')}]`;
  return `${subject} ${end.result}${mode}${asker}${reason}`;
}

function wordWait(timer: TimerName, duration: string): string {
  const [name = '', launch = ''] = timer.split(':');
  return (WAITS[name] ?? (() => `wait ${duration} for ${name}`))(duration, launch);
}

const WAITS: Readonly<Record<string, (duration: string, launch: string) => string>> = {
  certificateWait: (duration) => `wait at most ${duration} for what is missing`,
  jitter: (duration) => `wait ${duration} at random`,
  headroom: (duration) => `look again in ${duration} whether there is room`,
  reconsider: (duration) => `try again in ${duration}`,
  reconsiderCertificates: (duration) => `try the certificates again in ${duration}`,
  standby: (duration) => `try a second one again in ${duration}`,
  retry: (duration) => `wait ${duration}, then try again`,
  refill: (duration) => `give all tokens back after ${duration}`,
  stopDelay: (duration) => `wait ${duration} before the drain`,
  drainMin: (duration) => `drain for at least ${duration}`,
  drainMax: (duration) => `drain for at most ${duration}`,
  silence: (duration, launch) => `give ${launch} ${duration} to answer`,
  initialize: (duration, launch) => `give ${launch} ${duration} to initialize`,
  retire: (duration, launch) => `give ${launch} ${duration} to leave`,
  replace: (duration, launch) => `try to replace ${launch} again in ${duration}`,
  kill: (duration, launch) => `give ${launch} ${duration} to end`,
};

function wordDuration(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}
