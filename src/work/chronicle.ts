/** Follows what the agent does, for those who look at it: the history, the page and its events. */
import type { Transition } from '../agent.ts';
import { emptyHistory, remember } from '../core/history.ts';
import { type HistoryStatus, historyStatus } from '../core/history-status.ts';
import type { Policy } from '../core/model.ts';
import type { State } from '../core/state.ts';
import { statusOf } from '../core/status.ts';
import { waitsOf } from '../core/waits.ts';
import type { Overview } from '../page/overview.ts';
import { pageRegions, pageText } from '../page/page.ts';
import type { Clock } from '../ports.ts';
import type { Application } from './application.ts';
import { createPageEvents } from './page-events.ts';

export interface ChronicleParts {
  readonly policy: Policy;
  readonly clock: Clock;
  readonly state: () => State;
  readonly application: Pick<Application, 'readiness' | 'known'>;
  /** Who this is, on the page. */
  readonly name: string;
  readonly version: string;
  /** Told of what kept the pages that are open from being told. */
  readonly report: (error: unknown) => void;
}

export interface Chronicle {
  observe(transition: Transition): void;
  history(): HistoryStatus;
  /** The page as it is now. */
  pageText(): string;
  /** What changes of it from now on, as server-sent events; without end. */
  pageEvents(): AsyncIterable<string>;
}

export function createChronicle(parts: ChronicleParts): Chronicle {
  const { policy, clock, application, report } = parts;
  let history = emptyHistory;
  const overview = () => overviewOf(parts, history);
  const regions = () => {
    // What it answers is shown with the next look; it is asked for as long as someone looks.
    void application.readiness();
    return pageRegions(overview());
  };
  const events = createPageEvents({ clock, report, regions });
  return {
    observe: ({ moment: { atMs }, ...transition }) => {
      const moment = { atMs, wallMs: clock.wallMs() };
      history = remember(history, { ...transition, moment, policy });
      events.changed();
    },
    history: () => historyStatus(history, clock.moment().atMs),
    pageText: () => pageText(overview()),
    pageEvents: events.follow,
  };
}

function overviewOf(parts: ChronicleParts, history: Overview['history']): Overview {
  const { policy, clock, application, name, version } = parts;
  const moment = clock.moment();
  const state = parts.state();
  return {
    name,
    version,
    status: statusOf(state, { policy, moment }, application.known()),
    waits: waitsOf(state),
    state,
    history,
    atMs: moment.atMs,
    wallMs: clock.wallMs(),
  };
}
