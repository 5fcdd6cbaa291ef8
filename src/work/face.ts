/** The running agent as the outside may ask it: questions become answers, orders become events. */
import type { Agent } from '../agent.ts';
import { AgentError } from '../core/agent-error.ts';
import type { Policy } from '../core/model.ts';
import { readiness, startup } from '../core/readiness.ts';
import { statusOf } from '../core/status.ts';
import type { AdminLimits, Clock } from '../ports.ts';
import type { AgentFace } from './agent-face.ts';
import type { Application } from './application.ts';
import { type AskedRestarts, createAskedRestarts } from './asked-restarts.ts';
import type { Chronicle } from './chronicle.ts';
import { type Launches, newestLive } from './launches.ts';

export interface FaceParts {
  readonly agent: Agent;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly launches: Launches;
  readonly application: Application;
  readonly metricsText: () => Promise<string>;
  readonly scrape: AgentFace['scrape'];
  readonly chronicle: Chronicle;
  readonly changeLogLevel: AgentFace['changeLogLevel'];
  readonly dryRun: AgentFace['dryRun'];
}

export interface AnsweringFace extends AgentFace, Pick<AskedRestarts, 'answer'> {}

/** A whole dump of a large configuration takes a while to write. */
const PASSED_ON: AdminLimits = {
  timeoutMs: 30_000,
  maxBytes: 16 * 1024 * 1024,
  isPassedOn: true,
};

export function createFace({
  agent,
  policy,
  clock,
  launches,
  application,
  metricsText,
  scrape,
  chronicle,
  changeLogLevel,
  dryRun,
}: FaceParts): AnsweringFace {
  const restarts = createAskedRestarts(agent, clock);
  const outlook = () => ({ policy, moment: clock.moment() });
  return {
    status: () => statusOf(agent.state(), outlook()),
    readiness: () => readiness(agent.state(), outlook()),
    startup: () => startup(agent.state(), outlook()),
    application,
    history: chronicle.history,
    pageText: chronicle.pageText,
    pageEvents: chronicle.pageEvents,
    metricsText,
    scrape,
    changeLogLevel,
    requestRestart: restarts.ask,
    dryRun,
    requestStop: (how, reason) => agent.post({ type: 'stopRequested', how, reason }),
    adminRequest: async (method, path, body) => {
      const serving = newestLive(launches);
      if (serving === undefined) throw new AgentError('nothingServes', 'No Envoy is serving.');
      return serving.admin.request(
        method,
        path,
        body === undefined ? PASSED_ON : { ...PASSED_ON, body },
      );
    },
    answer: restarts.answer,
  };
}
