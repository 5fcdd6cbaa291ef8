/** The running agent as the outside may ask it. */
import type { HistoryStatus } from '../core/history-status.ts';
import type { Mode } from '../core/model.ts';
import type { Readiness } from '../core/readiness.ts';
import type { RestartNote } from '../core/restart-progress.ts';
import type { HandoverEnd } from '../core/state.ts';
import type { Status } from '../core/status.ts';
import type { AdminAnswer } from '../ports.ts';
import type { Application } from './application.ts';
import type { DryRun } from './dry-run.ts';
import type { IsEnvoys } from './local-request.ts';
import type { LogLevel, LogLevelChange } from './log-level.ts';
import type { Scrape } from './scrape.ts';

/** A restart that someone has asked for. */
export interface AskedRestart {
  /** Settles when the handover has ended, however it ended; a stop of the agent ends it too. */
  readonly ended: Promise<HandoverEnd>;
  /** What is waited for, whenever that changes, until then; now and then nothing new. */
  progress(): AsyncIterable<RestartNote | undefined>;
}

export interface AgentFace {
  /** With what the application last said of itself, which is not asked for this. */
  status(): Status;
  /** Of the agent itself: whether Envoy serves. */
  readiness(): Readiness;
  /** The same, once it was ready for the first time in this run for good. */
  startup(): Readiness;
  readonly application: Application;
  readonly isEnvoys: IsEnvoys;
  /** The last launches and handovers. */
  history(): HistoryStatus;
  /** The status page, whole, as it is now. */
  pageText(): string;
  /** What changes of it, as server-sent events; without end. */
  pageEvents(): AsyncIterable<string>;
  /** In the Prometheus text format. */
  metricsText(): Promise<string>;
  /** The same with Envoy's and the application's behind them. */
  readonly scrape: Scrape;
  requestRestart(mode: 'auto' | Mode): AskedRestart;
  /** The checks of a restart without one; undefined while another dry run is under way. */
  readonly dryRun: DryRun;
  /** Readiness off, clients told to go, and no exit; once begun it goes on until `requestUndrain`. */
  requestDrain(reason: string): void;
  /**
   * Settles with the end of the handover that leads back: undefined where there was nothing to
   * replace, because it was not drained or nobody serves.
   */
  requestUndrain(): Promise<HandoverEnd | undefined>;
  /** @returns the level of the agent's own log from now on */
  changeLogLevel(change: LogLevelChange): LogLevel;
  /** `now`: without a drain. */
  requestStop(how: 'graceful' | 'now', reason: string): void;
  /**
   * Passes a request on to the serving launch's admin, and waits for one for a while where none
   * serves; an answer may be 16 MiB. @throws AgentError when there is no answer
   */
  adminRequest(method: string, path: string, body?: Buffer): Promise<AdminAnswer>;
}
