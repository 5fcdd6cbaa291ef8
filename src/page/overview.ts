/** What the page is made of: the agent at one moment. */
import type { History } from '../core/history-model.ts';
import type { State } from '../core/state.ts';
import type { Status } from '../core/status.ts';
import type { Wait } from '../core/waits.ts';

export interface Overview {
  /** Who this is: the pod, or the host. */
  readonly name: string;
  readonly version: string;
  readonly status: Status;
  /** What the status was made of, for times that go on. */
  readonly state: Pick<State, 'certificates' | 'committed' | 'refused' | 'refusedCertificates'>;
  /** The soonest first. */
  readonly waits: readonly Wait[];
  readonly history: History;
  /** Monotonic. */
  readonly atMs: number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}
