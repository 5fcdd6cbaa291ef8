/** The running agent as the outside may ask it. */
import type { Mode } from '../core/model.ts';
import type { Readiness } from '../core/readiness.ts';
import type { HandoverEnd } from '../core/state.ts';
import type { Status } from '../core/status.ts';
import type { AdminAnswer } from '../ports.ts';

export interface AgentFace {
  status(): Status;
  readiness(): Readiness;
  /** In the Prometheus text format. */
  metricsText(): Promise<string>;
  /** Settles when the handover has ended, however it ended; a stop of the agent ends it too. */
  requestRestart(mode: 'auto' | Mode): Promise<HandoverEnd>;
  /** `now`: without a drain. */
  requestStop(how: 'graceful' | 'now', reason: string): void;
  /**
   * Passes a request on to the serving launch's admin; an answer may be 16 MiB.
   * @throws AgentError when no launch serves or its admin does not answer
   */
  adminRequest(method: string, path: string, body?: Buffer): Promise<AdminAnswer>;
}
