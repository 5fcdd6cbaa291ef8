/** An agent as its listeners see it, which answers what it is told to and notes what it was asked. */
import { AgentError } from '../../src/core/agent-error.ts';
import type { DryRunStatus } from '../../src/core/dry-run.ts';
import { emptyHistory } from '../../src/core/history.ts';
import { historyStatus } from '../../src/core/history-status.ts';
import { type Readiness, readiness, startup } from '../../src/core/readiness.ts';
import type { RestartNote } from '../../src/core/restart-progress.ts';
import type { HandoverEnd, State } from '../../src/core/state.ts';
import { statusOf } from '../../src/core/status.ts';
import type { AdminAnswer } from '../../src/ports.ts';
import type { AgentFace, AskedRestart } from '../../src/work/agent-face.ts';
import type { Application } from '../../src/work/application.ts';
import { defaultPolicy, servingHappenings, stateAfter } from './agent-states.ts';

export interface FakeAgentFace extends AgentFace {
  /** What changed or might have changed something, in words. */
  readonly asked: string[];
}

export interface FakeAnswers {
  /** @default one that serves */
  readonly state?: State;
  /** @default made from the state */
  readonly readiness?: () => Readiness;
  /** @default not asked, and not to be probed */
  readonly application?: Application;
  /** @default committed; nothing had to be replaced for a way back */
  readonly end?: HandoverEnd | Promise<HandoverEnd>;
  /** What is told before it, `undefined` for a heartbeat. @default nothing */
  readonly notes?: readonly (RestartNote | undefined)[];
  /** @default another one is under way */
  readonly dryRun?: DryRunStatus;
  /** @default too many are being answered */
  readonly scrape?: AgentFace['scrape'];
  /** @default an error: nothing serves */
  readonly admin?: AdminAnswer;
  /** @default none */
  readonly isEnvoys?: AgentFace['isEnvoys'];
}

export const committedEnd = {
  triggers: ['request'],
  mode: 'hot',
  result: 'committed',
  attemptCount: 0,
  startedAtMs: 0,
  endedAtMs: 1_000,
} as const satisfies HandoverEnd;

export function fakeAgentFace(answers: FakeAnswers = {}): FakeAgentFace {
  const asked: string[] = [];
  const state = answers.state ?? stateAfter(servingHappenings);
  const outlook = { policy: defaultPolicy, moment: { atMs: 10_000 } };
  const application = answers.application ?? unaskedApplication;
  return {
    asked,
    status: () => statusOf(state, outlook, application.known()),
    readiness: answers.readiness ?? (() => readiness(state, outlook)),
    startup: () => startup(state, outlook),
    application,
    history: () => historyStatus(emptyHistory, outlook.moment.atMs),
    pageText: () => '<!doctype html>\n',
    pageEvents: async function* () {
      yield 'data: {}\n\n';
    },
    metricsText: async () => 'baton_ready 1\n',
    scrape: answers.scrape ?? (() => undefined),
    requestRestart: (mode) => {
      asked.push(`restart ${mode}`);
      return askedRestart(answers.end ?? committedEnd, answers.notes);
    },
    dryRun: async (mode) => {
      asked.push(`dry run ${mode}`);
      return answers.dryRun;
    },
    requestDrain: () => void asked.push('drain'),
    requestUndrain: async () => {
      asked.push('undrain');
      return answers.end;
    },
    changeLogLevel: ({ level }) => {
      asked.push(`log ${level}`);
      return level === 'default' ? 'info' : level;
    },
    requestStop: (how) => void asked.push(`stop ${how}`),
    isEnvoys: answers.isEnvoys ?? (async () => false),
    adminRequest: async (method, path, body) => {
      asked.push(`admin ${method} ${path} ${body?.toString() ?? ''}`.trim());
      if (answers.admin !== undefined) return answers.admin;
      throw new AgentError('NO_ENVOY', 'Cannot ask Envoy: none is serving.');
    },
  };
}

/** Nobody wants to know whether it is ready. */
export const unaskedApplication: Application = {
  readiness: async () => ({ ready: true }),
  known: () => undefined,
  probe: unasked,
};
/** Someone's restart that ends like this. */
export function askedRestart(
  end: HandoverEnd | Promise<HandoverEnd>,
  notes: FakeAnswers['notes'] = [],
): AskedRestart {
  return {
    ended: Promise.resolve(end),
    progress: async function* () {
      yield* notes;
    },
  };
}

function unasked(): Promise<never> {
  throw new Error('Cannot probe the application: this one has no probes.');
}
