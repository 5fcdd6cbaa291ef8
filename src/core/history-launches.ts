/** The launches of the history: a lane each, from the start to the end. */
import { outcomeText } from './attempts.ts';
import type { Happened, Lane, LaneEnd } from './history-model.ts';
import { endedAsAsked } from './retiring.ts';
import { continued, noSpans } from './spans.ts';
import type { Launch } from './state.ts';
import { findLaunch } from './turn.ts';

const MOST_ENDED = 50;

/** The same lanes when no launch has changed. */
export function rememberLaunches(lanes: readonly Lane[], happened: Happened): readonly Lane[] {
  const { before, after } = happened;
  if (before.launches === after.launches) return lanes;
  const known = new Set(lanes.map(({ id }) => id));
  const begun = after.launches
    .filter(({ id }) => !known.has(id))
    .map((launch) => beginLane(launch, happened));
  return withoutOldest([...lanes, ...begun].map((lane) => followLane(lane, happened)));
}

function beginLane(launch: Launch, { after, moment }: Happened): Lane {
  const { id, epoch, lineage, startedAtMs } = launch;
  const handover = after.handover?.launch === id ? after.handover : undefined;
  return {
    id,
    epoch,
    lineage,
    startedAtMs,
    startedAtWallMs: moment.wallMs,
    ...(handover === undefined ? {} : { handover: handover.id }),
    ...(handover?.mode === undefined ? {} : { mode: handover.mode }),
    stages: noSpans(),
  };
}

function followLane(lane: Lane, happened: Happened): Lane {
  if (lane.end !== undefined) return lane;
  const { before, after, moment } = happened;
  const last = findLaunch(before, lane.id);
  const launch = findLaunch(after, lane.id);
  if (launch === undefined) return { ...lane, end: endOfLane(last, happened) };
  if (launch === last) return lane;
  const { pid, connections } = launch;
  const replacedBy = lane.replacedBy ?? replacerOf(launch, happened);
  return {
    ...lane,
    stages: continued(lane.stages, { name: launch.stage, fromMs: moment.atMs }),
    ...(pid === undefined ? {} : { pid }),
    ...(connections === undefined ? {} : { connections }),
    ...(replacedBy === undefined ? {} : { replacedBy }),
  };
}

/** Nobody takes over from a launch that never was LIVE, nor when the agent stops. */
function replacerOf({ id, stage, liveAtMs }: Launch, { before, after }: Happened) {
  const isLeaving = stage === 'retiring' || stage === 'stopping';
  if (!isLeaving || liveAtMs === undefined || after.stop !== undefined) return undefined;
  const handover = after.handover ?? before.handover;
  return handover?.launch === id ? undefined : handover?.id;
}

function endOfLane(launch: Launch | undefined, { event, before, moment, policy }: Happened) {
  const { atMs } = moment;
  const isTold = event.type === 'launchExited' && event.launch === launch?.id;
  const outcome = isTold ? event.outcome : undefined;
  const end: LaneEnd = {
    atMs,
    outcome: outcome === undefined ? 'could not be ended by SIGKILL' : outcomeText(outcome),
    isUnexpected:
      outcome === undefined || !endedAsAsked({ state: before, atMs, policy }, launch, outcome),
  };
  return end;
}

function withoutOldest(lanes: readonly Lane[]): readonly Lane[] {
  const ended = lanes.filter(({ end }) => end !== undefined);
  const dropped = new Set(ended.slice(0, Math.max(0, ended.length - MOST_ENDED)));
  return dropped.size === 0 ? lanes : lanes.filter((lane) => !dropped.has(lane));
}
