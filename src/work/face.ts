/** The running agent as the outside may ask it: questions become answers, orders become events. */
import type { Agent } from '../agent.ts';
import { AgentError } from '../core/agent-error.ts';
import { type Policy, type RequestId, requestIdOf } from '../core/model.ts';
import { readiness, startup } from '../core/readiness.ts';
import type { HandoverEnd } from '../core/state.ts';
import { statusOf } from '../core/status.ts';
import type { AdminLimits, Clock } from '../ports.ts';
import type { AgentFace } from './agent-face.ts';
import type { Application } from './application.ts';
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
}

export interface AnsweringFace extends AgentFace {
  /** Tells those who asked for a handover how it ended. */
  answer(requests: readonly RequestId[], end: HandoverEnd): void;
}

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
}: FaceParts): AnsweringFace {
  const asking = new Map<RequestId, (end: HandoverEnd) => void>();
  let askedCount = 0;
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
    requestRestart: (mode) => {
      askedCount += 1;
      const request = requestIdOf(`R${askedCount}`);
      const ended = new Promise<HandoverEnd>((resolve) => asking.set(request, resolve));
      agent.post({ type: 'restartRequested', trigger: 'request', mode, request });
      return ended;
    },
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
    answer: (requests, end) => {
      for (const request of requests) {
        asking.get(request)?.(end);
        asking.delete(request);
      }
    },
  };
}
