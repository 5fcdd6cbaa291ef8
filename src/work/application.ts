/** The application behind Envoy, as far as the agent speaks for it. */
import type { AppProbes } from '../core/app-probes.ts';
import type { LogRecord } from '../core/log-record.ts';
import type { Readiness } from '../core/readiness.ts';
import type { ApplicationProbes, Clock, HttpAnswer, HttpRequest } from '../ports.ts';
import { createAppProbing } from './app-probing.ts';
import { createApplicationReadiness } from './application-readiness.ts';

export interface Application {
  /** What it says of itself, within 800 ms; ready when nobody wants to know. */
  readiness(): Promise<Readiness>;
  /** What it last said; undefined when nobody wants to know, or nobody has asked yet. */
  known(): Readiness | undefined;
  /** Puts the question that was declared for this path to it. */
  probe(path: string, request: HttpRequest): Promise<HttpAnswer>;
}

export interface ApplicationParts {
  /** Where it tells of its readiness; undefined: it is not asked. */
  readonly readyUrl: string | undefined;
  /** The probes that it is asked on the kubelet's behalf, by the paths they come in by. */
  readonly declared: AppProbes;
  readonly probes: ApplicationProbes;
  readonly clock: Clock;
  /** The pod's own address, where those go. */
  readonly podAddress: string;
  readonly statusPort: number;
  /** The agent's own, to which no redirect leads. */
  readonly closedPorts: () => readonly number[];
  readonly record: (record: LogRecord) => void;
}

export function createApplication(parts: ApplicationParts): Application {
  return { ...createApplicationReadiness(parts), probe: createAppProbing(parts) };
}
