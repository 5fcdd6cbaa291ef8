/** The agent with its world around it: the adapters meet here. */

import { systemClock } from '../../adapters/clock.ts';
import { envoyAdmin } from '../../adapters/envoy-admin.ts';
import { createEnvoyProcesses } from '../../adapters/envoy-process.ts';
import { createEnvoyQueries } from '../../adapters/envoy-queries.ts';
import { createMemoryAccount } from '../../adapters/memory-headroom.ts';
import { mayHoldConnection } from '../../adapters/peer-process.ts';
import type { OpenRunDirectory, RunState } from '../../adapters/run-directory.ts';
import { type Agent, createAgent, type Transition } from '../../agent.ts';
import { describe } from '../../core/describe.ts';
import { lastWords } from '../../core/last-words.ts';
import type { ExitCode, Policy } from '../../core/model.ts';
import type { Tree } from '../../core/tree.ts';
import type { Cancel, NameLocks } from '../../ports.ts';
import { policyOf, type Settings } from '../../settings.ts';
import type { AgentFace } from '../../work/agent-face.ts';
import { type Chronicle, type ChronicleParts, createChronicle } from '../../work/chronicle.ts';
import { deferred } from '../../work/deferred.ts';
import { type AnsweringFace, createFace } from '../../work/face.ts';
import type { Launches } from '../../work/launches.ts';
import { createLogLevel } from '../../work/log-level.ts';
import { tellMemoryKills } from '../../work/memory-kills.ts';
import { createPerform, type World } from '../../work/perform.ts';
import { createServingAdmin, type ServingAdmin } from '../../work/serving-admin.ts';
import { rememberPlaces } from '../../work/unshareable.ts';
import { envoyEnvironment, envoyOptionsOf } from './envoy-settings.ts';
import { hotRestartDomainOf } from './hot-restart.ts';
import { keepKillOrder } from './kill-order.ts';
import { createMetricsLater, type LateMetrics } from './late-metrics.ts';
import { createMigrationNotice } from './migration-notice.ts';
import { ownApplication } from './own-application.ts';
import { createScraping } from './scraping.ts';
import { type AgentSignal, eventOf } from './signals.ts';
import { createSources, type Sources } from './sources.ts';
import type { SparingLog } from './sparing-log.ts';
import { dryRunOf, keepUsed } from './used-sources.ts';

export interface SupervisorParts {
  readonly settings: Settings;
  readonly binary: string;
  readonly directory: OpenRunDirectory;
  readonly locks: NameLocks;
  /** What the run before this one left in the same run directory. */
  readonly lastRun: RunState;
  readonly log: SparingLog;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly versions: { readonly baton: string; readonly node: string };
}

export interface Supervisor {
  readonly face: AgentFace;
  /** As that of the sources. */
  readonly bootstrapRead: Promise<Tree>;
  /** Everything from the first look to the last process. @returns the exit code */
  run(): Promise<ExitCode>;
  signal(signal: AgentSignal): void;
  /** Stops by the plan because of something outside the core's knowledge. */
  giveUp(reason: string, code: ExitCode): void;
  /** Why it ended with this code, for who sees nothing else of it; empty when it was asked to. */
  lastWords(code: ExitCode): string;
}

/** Puts agent, work and adapters together; nothing happens before `run`. */
export function createSupervisor(parts: SupervisorParts): Supervisor {
  const policy = policyOf(parts.settings);
  const launches: Launches = new Map();
  const metrics = createMetricsLater(parts, policy);
  const ended = deferred<ExitCode>();
  const underway = createUnderway();
  const agent: Agent = createAgent({
    policy,
    clock: systemClock,
    observe: (transition) => {
      observe(transition, { policy, log: parts.log, metrics, underway, chronicle });
    },
    perform: (effect) => perform(effect),
  });
  const { text: metricsText } = metrics;
  const changeLogLevel = logLevelOf(parts);
  const application = ownApplication(parts, () => sources.bootstrap());
  const admin = createServingAdmin({ clock: systemClock, launches });
  const asking = { adminRequest: admin.request, isEnvoys: isEnvoysOf(launches) };
  const chronicle = chronicleOf(parts, { policy, state: agent.state, application });
  const facts = { agent, policy, clock: systemClock, ...asking, metricsText, changeLogLevel };
  const scrape = createScraping({ ...parts, launches, metrics });
  const dryRun: AgentFace['dryRun'] = (mode) => tryRestart(mode);
  const face = createFace({ ...facts, application, scrape, chronicle, dryRun });
  const sources = createSources({
    ...parts,
    runDirectory: parts.directory.path,
    certificatesPath: parts.directory.certificatesPath,
    post: agent.post,
    record: parts.log.record,
  });
  const centre: Centre = { agent, face, launches, sources, admin, exit: ended.resolve };
  const world = worldOf(parts, centre);
  const perform = createPerform(world);
  const tryRestart = dryRunOf(world, policy, centre);
  return {
    face,
    bootstrapRead: sources.bootstrapRead,
    run: () => runToEnd({ parts, agent, sources, metrics, underway }, ended.promise),
    signal: (signal) => takeSignal(signal, agent, launches),
    giveUp: (reason, exitCode) =>
      agent.post({ type: 'stopRequested', how: 'graceful', reason, exitCode }),
    lastWords: (code) => lastWords(agent.state(), code),
  };
}

function isEnvoysOf(launches: Launches): AgentFace['isEnvoys'] {
  return (request) => {
    const pids = [...launches.values()].map(({ process }) => process.pid);
    return mayHoldConnection(
      pids.filter((pid) => pid !== undefined),
      request,
    );
  };
}

function logLevelOf({ settings, log }: SupervisorParts): AgentFace['changeLogLevel'] {
  const { setLevel: apply, record } = log;
  return createLogLevel({ clock: systemClock, initial: settings.logLevel, apply, record });
}

function chronicleOf(
  { settings, versions, log }: SupervisorParts,
  facts: Pick<ChronicleParts, 'policy' | 'state' | 'application'>,
): Chronicle {
  return createChronicle({
    ...facts,
    clock: systemClock,
    name: settings.podName,
    version: versions.baton,
    report: (error) =>
      log.record({ level: 'error', message: 'cannot answer', fields: { reason: String(error) } }),
  });
}

interface Beginning {
  readonly parts: SupervisorParts;
  readonly agent: Agent;
  readonly sources: Sources;
  readonly metrics: LateMetrics;
  readonly underway: Underway;
}

async function runToEnd(beginning: Beginning, ended: Promise<ExitCode>): Promise<ExitCode> {
  const begun = begin(beginning);
  const code = await ended;
  // What was begun must not write another key after the last one is gone.
  const stopWatching = await begun;
  stopWatching();
  await beginning.sources.removeSnapshots();
  return code;
}

/** Reads the files, which starts Envoy, then watches them; what Envoy does not need comes last. */
async function begin(beginning: Beginning): Promise<Cancel> {
  const { parts, agent, sources, metrics, underway } = beginning;
  const isOver = () => agent.state().stop !== undefined;
  await sources.removeSnapshots();
  if (!isOver()) await sources.look();
  await underway.reached;
  await parts.log.load();
  if (isOver()) return () => {};
  const stopWatching = await sources.watch();
  await metrics.load();
  return stopWatching;
}

interface Centre {
  readonly agent: Agent;
  readonly face: AnsweringFace;
  readonly launches: Launches;
  readonly sources: Sources;
  readonly admin: ServingAdmin;
  readonly exit: (code: ExitCode) => void;
}

function worldOf(parts: SupervisorParts, centre: Centre): World {
  const { agent, face, launches, sources, admin, exit } = centre;
  const { settings, directory, log, env } = parts;
  const environment = envoyEnvironment(env);
  const folder = directory.path;
  const memory = createMemoryAccount();
  const queries = createEnvoyQueries({ clock: systemClock, environment, folder });
  const { keep: keepFolder } = directory;
  const onLine = log.envoyLine;
  const processes = createEnvoyProcesses({ folder, keepFolder, environment, onLine });
  const forgetUnused = () => void keepUsed({ agent, sources });
  return {
    clock: systemClock,
    domain: hotRestartDomainOf(parts, queries),
    runDirectory: directory,
    processes: tellMemoryKills(processes, memory),
    queries,
    memory,
    admin: envoyAdmin,
    options: envoyOptionsOf(settings),
    ignoredListeners: settings.drainIgnoreListeners,
    launches,
    hangDeadlineMs: settings.hangDeadlineMs,
    preparing: new Map(),
    materialOf: sources.materialOf,
    post: agent.post,
    onSideBySide: createMigrationNotice(log.record, {
      mayChange: settings.tcpMigration === 'auto',
    }),
    answer: (requests, end) => {
      face.answer(requests, end);
      forgetUnused();
    },
    exit: (code) => {
      admin.close();
      exit(code);
    },
    onLive: (launch) => {
      admin.wentLive();
      void rememberPlaces(launch);
    },
    onForgotten: forgetUnused,
    onTrouble: (reason) => log.record({ level: 'warn', message: 'trouble', fields: { reason } }),
  };
}

interface Observers {
  readonly policy: Policy;
  readonly log: Pick<SparingLog, 'record'>;
  readonly metrics: LateMetrics;
  readonly underway: Underway;
  readonly chronicle: Chronicle;
}

interface Underway {
  /** Envoy has been started, or it is known that it won't be now. */
  readonly reached: Promise<void>;
  observe(transition: Transition): void;
}

function createUnderway(): Underway {
  const reached = deferred();
  const isOnTheWay = (type: Transition['event']['type']) =>
    type === 'desiredChanged' || type === 'checksPassed';
  return {
    reached: reached.promise,
    observe: ({ event }) => {
      if (!isOnTheWay(event.type)) reached.resolve();
    },
  };
}

function observe(transition: Transition, observers: Observers): void {
  const { policy, log, metrics, underway, chronicle } = observers;
  underway.observe(transition);
  chronicle.observe(transition);
  keepKillOrder(transition);
  const { moment, ...rest } = transition;
  for (const record of describe({ ...rest, atMs: moment.atMs, policy })) log.record(record);
  metrics.observe(transition);
}

/** SIGUSR1 is passed on to every launch that has answered: before that it would kill it. */
function takeSignal(signal: AgentSignal, agent: Agent, launches: Launches): void {
  const event = eventOf(signal);
  if (event !== undefined) {
    agent.post(event);
    return;
  }
  for (const { hasAnswered, process } of launches.values())
    if (hasAnswered) process.signal('SIGUSR1');
}
