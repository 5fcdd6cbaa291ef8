/** The running agent as the outside may ask it: questions become answers, orders become events. */
import type { Agent } from '../agent.ts';
import { type Policy, type RequestId, requestIdOf } from '../core/model.ts';
import { readiness, startup } from '../core/readiness.ts';
import type { HandoverEnd } from '../core/state.ts';
import { statusOf } from '../core/status.ts';
import type { Clock } from '../ports.ts';
import type { AgentFace } from './agent-face.ts';
import type { Application } from './application.ts';
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
}

export interface AnsweringFace extends AgentFace {
  /** Tells those who asked for a handover how it ended. */
  answer(requests: readonly RequestId[], end: HandoverEnd): void;
}

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
}: FaceParts): AnsweringFace {
  const { answer, ...orders } = createOrders(agent);
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
    ...orders,
    adminRequest,
    isEnvoys,
    answer,
  };
}

type Orders = Pick<
  AnsweringFace,
  'requestRestart' | 'requestDrain' | 'requestUndrain' | 'requestStop' | 'answer'
>;

/** What changes something: an event for each, and a promise where its end is waited for. */
function createOrders(agent: Agent): Orders {
  const asking = new Map<RequestId, (end: HandoverEnd) => void>();
  let askedCount = 0;
  const newRequest = () => {
    askedCount += 1;
    const request = requestIdOf(`R${askedCount}`);
    const ended = new Promise<HandoverEnd>((resolve) => asking.set(request, resolve));
    return { request, ended };
  };
  return {
    requestRestart: (mode) => {
      const { request, ended } = newRequest();
      agent.post({ type: 'restartRequested', trigger: 'request', mode, request });
      return ended;
    },
    requestDrain: (reason) => agent.post({ type: 'drainRequested', reason }),
    requestUndrain: async () => {
      const { request, ended } = newRequest();
      agent.post({ type: 'undrainRequested', request });
      const isOnItsWay = agent.state().drained?.returning === request || !asking.has(request);
      if (isOnItsWay) return ended;
      asking.delete(request);
      return undefined;
    },
    requestStop: (how, reason) => agent.post({ type: 'stopRequested', how, reason }),
    answer: (requests, end) => {
      for (const request of requests) {
        asking.get(request)?.(end);
        asking.delete(request);
      }
    },
  };
}
