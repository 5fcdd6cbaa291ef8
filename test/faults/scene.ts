/** What a fault is played on: an agent, its Envoys, and everything that can be done to them. */
import type { Status } from '../../src/core/status.ts';
import type { FakeOrder } from '../support/fake-envoy.ts';
import type { Gates } from '../support/gates.ts';

type Fields = Readonly<Record<string, unknown>>;

/** `L1` serves when the handover begins, `L2` is what it starts. */
export type LaunchName = `L${number}`;

export interface AgentSeen {
  readonly pid: number;
  readonly ended: Promise<{ readonly code: number | null }>;
  /** Log records so far that have these members. */
  records(wanted?: Fields): readonly Fields[];
  /** The first of them, or the `nth`. */
  untilRecord(wanted: Fields, nth?: number): Promise<Fields>;
  /** What `check` returns once it neither throws nor returns false. */
  until<Value>(what: string, check: () => Value | Promise<Value>): Promise<Value>;
  status(): Promise<Status>;
  signal(signal: NodeJS.Signals): void;
  /** Runs `baton ...` beside it to its end. */
  baton(...args: readonly string[]): Promise<{ readonly code: number | null }>;
}

export interface Scene extends Gates {
  /** Whether Envoy is a real one. */
  readonly isReal: boolean;
  /** Where the service is reached. */
  readonly port: number;
  /** The agent's own. */
  readonly runDirectory: string;
  /** The one that runs now. */
  agent(): AgentSeen;
  /** One more, after the first has ended; resolves once it is ready. */
  startAgain(): Promise<void>;
  /** Processes of Envoy that are alive. */
  envoys(): readonly { readonly pid: number; readonly baseId: number }[];
  /** What should not be there once the agent is gone, a line each. */
  leftOvers(): Promise<readonly string[]>;
  /** Resolves once a fake Envoy has obeyed. @throws Error when it is a real one */
  order(pid: number, order: FakeOrder): Promise<void>;
  /** Puts another bootstrap in place, each time a new one. */
  changeBootstrap(change?: { readonly morePort?: number }): Promise<void>;
  breakBootstrap(): Promise<void>;
  /** Puts a key in place that is not of its certificate. */
  breakCertificates(): Promise<void>;
  /** Fills the file system of the run directory to its last byte. */
  fillRunDirectory(): Promise<void>;
  emptyRunDirectory(): Promise<void>;
}

/** The process of a launch, as the agent's log has it. */
export function pidOf(scene: Scene, launch: LaunchName): number {
  const [started] = scene.agent().records({ msg: 'Envoy started', launch });
  if (started === undefined) throw new Error(`Cannot find ${launch}: it was not started.`);
  return Number(started['pid']);
}
