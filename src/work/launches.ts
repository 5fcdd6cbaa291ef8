/** The launches that are alive, with the handles to act on them. */
import type { Digest, LaunchId, LineageId } from '../core/model.ts';
import type { Place } from '../core/unshareable-listeners.ts';
import type { AdminChannel, Cancel, EnvoyProcess } from '../ports.ts';

export interface LivingLaunch {
  readonly id: LaunchId;
  readonly lineage: LineageId;
  /** Digest of the binary it was started from. */
  readonly binary: Digest;
  readonly process: EnvoyProcess;
  /** Aborted once the process is gone. */
  readonly ended: AbortSignal;
  /** The one kept connection to its admin. */
  readonly admin: AdminChannel;
  /** What it said of itself when it was LIVE, e.g. `11.104`. */
  hotRestartVersion?: string;
  /** Envoy's own version, as it said when it was LIVE. */
  version?: string;
  /** Its admin has answered: its signal handlers are installed, and it may be told to reopen logs. */
  hasAnswered?: true;
  /** It has been signalled to end: who asks it now may get no answer. */
  isToEnd?: true;
  /** The listeners that it last said it had. */
  places?: KnownPlaces;
  /** Ends the counting of its connections. */
  stopCounting?: Cancel;
  /** Ends the look-out for its silence, which begins at LIVE. */
  stopWatching?: Cancel;
}

export interface KnownPlaces {
  readonly fixed: readonly Place[];
  /** Of a control plane; undefined when it did not tell. */
  readonly dynamic: readonly Place[] | undefined;
}

export type Launches = Map<LaunchId, LivingLaunch>;

/** The newest one that reported LIVE and has not been told to end. */
export function newestLive(launches: Launches): LivingLaunch | undefined {
  return [...launches.values()].findLast(
    ({ hotRestartVersion, isToEnd }) => hotRestartVersion !== undefined && !isToEnd,
  );
}
