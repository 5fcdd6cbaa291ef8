/** The running agent as the outside may ask it: questions become answers, orders become events. */
import type { Agent } from '../agent.ts';
import type { Policy } from '../core/model.ts';
import { readiness, startup } from '../core/readiness.ts';
import { statusOf } from '../core/status.ts';
import type { Clock } from '../ports.ts';
import type { AgentFace } from './agent-face.ts';
import type { Application } from './application.ts';
import { type AskedRestarts, createAskedRestarts } from './asked-restarts.ts';
import type { Chronicle } from './chronicle.ts';

export interface FaceParts {
  readonly agent: Agent;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly adminRequest: AgentFace['adminRequest'];
  readonly isEnvoys: AgentFace['isEnvoys'];
  readonly application: Application;
  readonly metricsText: () => Promise<string>;
  readonly scrape: AgentFace['scrape'];
  readonly chronicle: Chronicle;
  readonly changeLogLevel: AgentFace['changeLogLevel'];
  readonly dryRun: AgentFace['dryRun'];
}

export interface AnsweringFace extends AgentFace, Pick<AskedRestarts, 'answer'> {}

export function createFace({
  agent,
  policy,
  clock,
  adminRequest,
  isEnvoys,
  application,
  metricsText,
  scrape,
  chronicle,
  changeLogLevel,
  dryRun,
}: FaceParts): AnsweringFace {
  const { answer, ...restarts } = createAskedRestarts(agent, clock);
  const outlook = () => ({ policy, moment: clock.moment() });
  return {
    status: () => statusOf(agent.state(), outlook(), application.known()),
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
    requestUndrain: restarts.askBack,
    requestDrain: (reason) => agent.post({ type: 'drainRequested', reason }),
    requestStop: (how, reason) => agent.post({ type: 'stopRequested', how, reason }),
    dryRun,
    adminRequest,
    isEnvoys,
    answer,
  };
}
