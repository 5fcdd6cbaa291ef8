/** What the agent asks of the world. One adapter fulfils each; tests put fakes in their place. */
import type { CertificateExpectation } from './core/certificate-proof.ts';
import type { Event } from './core/events.ts';
import type { MemoryGroup, ProcessMemory } from './core/memory-headroom.ts';
import type { Desired, Epoch, LaunchId, LineageId, Moment, Outcome } from './core/model.ts';
import type { Tree } from './core/tree.ts';

/** Ends a timer, a watch or a server; calling it again does nothing. */
export type Cancel = () => void;

/** Something is wrong with a setting or a file: who is concerned, and one line for the user. */
export interface Problem {
  /** The setting's name, or the path, the line is about. */
  readonly about: string;
  /** "Expected NAME to be FORM, got ..." or "Cannot VERB OBJECT: REASON". Never a secret. */
  readonly message: string;
  /** It says nothing against what was tried: no room on the disk, no descriptor left, no time. */
  readonly isTransient?: true;
}

/** Expected failures are data. */
export type Result<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface Clock {
  /** Monotonic milliseconds with the random share of `Moment`. */
  moment(): Moment;
  /** Wall-clock milliseconds since 1970, for people and certificates only. */
  wallMs(): number;
  /** Calls `fire` once after `ms`; longer than Node's timers reach is not cut short. */
  after(ms: number, fire: () => void): Cancel;
  /**
   * The same for a wait for someone else: time in which we could not have heard of them (suspended,
   * in a frozen cgroup, with the machine) does not count. It is at most twice as long for the rest.
   */
  afterRunning(ms: number, fire: () => void): Cancel;
}

/** Spawns Envoy. */
export interface EnvoyProcesses {
  /** Never rejects: what keeps a process from starting is its outcome. */
  spawn(spec: SpawnSpec): Promise<EnvoyProcess>;
}

export interface SpawnSpec {
  readonly launch: LaunchId;
  readonly epoch: Epoch;
  readonly binary: string;
  readonly args: readonly string[];
}

export interface EnvoyProcess {
  /** Absent when it could not be started. */
  readonly pid: number | undefined;
  /** Settles once the process is reaped, whether or not its output is still open; never rejects. */
  readonly exited: Promise<Outcome>;
  /** The last lines it printed, oldest first, at most 20 of at most 500 characters. */
  lastLines(): readonly string[];
  /** False when there is no such process any more. */
  signal(signal: 'SIGTERM' | 'SIGKILL' | 'SIGUSR1'): boolean;
}

/** Runs Envoy for an answer and not for traffic. */
export interface EnvoyQueries {
  /** `--mode validate` with the same arguments; its error lines when it says no. Bounded in time. */
  validate(binary: string, args: readonly string[]): Promise<Result<void>>;
  /** What `--hot-restart-version` prints, e.g. `11.104`; `disabled` when it is switched off. */
  hotRestartVersion(binary: string): Promise<Result<string>>;
  /** What `--version` prints, without the leading path. */
  version(binary: string): Promise<Result<string>>;
}

export interface AdminAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** One connection to one launch's admin, opened at its first answer and kept until it is gone. */
export interface AdminChannel {
  /**
   * @throws AgentError `adminUnreached` when it was never sent; `adminBrokeOff` when the connection
   * ended before the answer did; `adminSilent` when nothing answers within `timeoutMs` (default 2 s)
   * or the body is longer than `maxBytes` (default 1 MiB).
   */
  request(method: string, path: string, limits?: AdminLimits): Promise<AdminAnswer>;
  /**
   * Asks until the launch says LIVE at this epoch, and tells what it says before that. Resolves
   * with its server info.
   * @throws whatever `signal` was aborted with; nothing else ends it.
   */
  untilLive(epoch: Epoch, watch: LiveWatch): Promise<ServerInfo>;
  /**
   * Someone else's GET whose answer is read while it comes, over a connection of its own. While the
   * launch accepts none it comes whole over the kept one, and may be 16 MiB then.
   * @throws AgentError `unreachable` when nothing answers, `late` when that takes too long
   */
  stream(path: string, timeoutMs: number): Promise<StreamedAnswer>;
  close(): void;
}

export interface StreamedAnswer {
  readonly status: number;
  /** Absent when it was not said. */
  readonly contentType?: string | undefined;
  /** Throws an AgentError: `late` when its end takes too long, `cutOff` when it does not come. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Throws away what has not been read; to be called whether or not anything was. */
  discard(): void;
}

/** The application's own metrics. */
export interface ApplicationMetrics {
  /**
   * Asks once, following redirects within the same origin; what is compressed is unpacked.
   * @param timeoutMs For the whole of it; the application is told.
   * @throws AgentError `unreachable`, `late`, or `format` when it is compressed in an unknown way
   */
  read(timeoutMs: number): Promise<StreamedAnswer>;
}

/** The application beside Envoy, asked as the kubelet would ask it. */
export interface ApplicationProbes {
  /** Never rejects. Ends at the latest when `signal` is aborted, with that as its reason. */
  ask(question: ApplicationQuestion, signal: AbortSignal): Promise<ApplicationAnswer>;
}

export type ApplicationQuestion = HttpGetQuestion | TcpQuestion | GrpcQuestion;

export interface HttpGetQuestion {
  readonly kind: 'httpGet';
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Any certificate will do. */
  readonly isUnverified: boolean;
  /** Ports of the host that a redirect is not followed to. */
  readonly closedPorts: readonly number[];
  /** Where it is to come from; the kernel's choice when absent. */
  readonly localAddress?: string;
}

export interface TcpQuestion extends PortQuestion {
  readonly kind: 'tcpSocket';
}

/** The gRPC health protocol; an empty service asks for the server as a whole. */
export interface GrpcQuestion extends PortQuestion {
  readonly kind: 'grpc';
  readonly service: string;
}

export interface PortQuestion {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}

/** What is not HTTP is answered by 200 or not at all. */
export type ApplicationAnswer =
  | {
      readonly isAnswered: true;
      readonly status: number;
      /** The first 10 KiB of it. */
      readonly body: Buffer;
    }
  | { readonly isAnswered: false; readonly reason: string };

export interface LiveWatch {
  readonly signal: AbortSignal;
  onAnswer(state: string): void;
}

/** What matters of Envoy's `/server_info`. */
export interface ServerInfo {
  readonly state: string;
  readonly epoch: number;
  readonly version: string;
  readonly hotRestartVersion: string;
}

export interface AdminLimits {
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly body?: Buffer;
  /**
   * Someone else's request. It goes over a connection of its own while the launch accepts any, so
   * that a slow one neither delays the agent's questions nor costs the kept connection.
   */
  readonly isPassedOn?: true;
}

export interface EnvoyAdmin {
  /** The channel to a launch's socket; nothing is connected before the first request. */
  open(socketPath: string): AdminChannel;
}

/** Base ids, the abstract socket names and the shared memory behind them. */
export interface HotRestartDomain {
  /**
   * A base id that nobody else holds, kept for the lineage until released; the same one when asked
   * again. Problems name what stands in the way (names held, memory of another owner, no space).
   */
  reserve(lineage: LineageId): Promise<Result<number>>;
  /**
   * Clears the INITIALIZING bit of the lineage's shared memory, after checking its size, version
   * and owner. The caller knows that no launch of the lineage is initializing.
   */
  repair(lineage: LineageId): Promise<Result<'repaired' | 'wasSound'>>;
  /**
   * What keeps a new launch from joining the lineage, in one line: its shared memory is not what a
   * binary of this hot restart version expects, or the epoch's socket names are held. An
   * INITIALIZING bit is none, for it can be repaired. Never rejects.
   */
  obstacleToJoin(lineage: LineageId, joining: Joining): Promise<string | undefined>;
  /** The lineage is gone: its base id is free again, its shared memory is removed. */
  release(lineage: LineageId): void;
}

/** The launch that is to join a lineage. */
export interface Joining {
  readonly epoch: Epoch;
  /** What its binary speaks, e.g. `11.104`. */
  readonly hotRestartVersion: string;
}

/** What the kernel says about memory, read anew at every question. */
export interface MemoryAccount {
  /** The own cgroup and those above it, as far as they have a limit. */
  groups(): readonly MemoryGroup[];
  /** Undefined when the process is gone. */
  processMemory(pid: number): ProcessMemory | undefined;
  /** How many processes of the own cgroup the kernel has killed for want of memory so far. */
  killCount(): number;
}

/** Names of which each has one holder in a network namespace; the kernel frees them on death. */
export interface NameLocks {
  /**
   * Holds the name, at most 107 bytes long, until cancelled or the process ends; undefined when
   * someone else holds it.
   */
  take(name: string): Promise<Cancel | undefined>;
}

/** The run directory: 0700, everything in it 0600, everything written by rename. */
export interface RunDirectory {
  readonly path: string;
  /** Writes `envoy-rev<epoch>.json` and returns its path. @throws AgentError */
  writeBootstrap(epoch: Epoch, json: string): Promise<string>;
  /** Writes a bootstrap that is not launched, for as long as `use` takes. @throws AgentError */
  withCandidate<Answer>(json: string, use: (path: string) => Promise<Answer>): Promise<Answer>;
  /** Also kept as the last good one. */
  keepLastGood(json: string): Promise<void>;
  removeBootstrap(epoch: Epoch): Promise<void>;
  adminSocketPath(launch: LaunchId): string;
  removeAdminSocket(launch: LaunchId): Promise<void>;
  /** Where this launch reads its secrets, when certificates come by file SDS. */
  secretsFolder(launch: LaunchId): string;
  /**
   * Puts the secrets of a version, with the contents of the files they name, in the place of those
   * the launch reads, all in one step. What it returns puts those from before back.
   * @throws AgentError, and nothing has changed then
   */
  putSecrets(launch: LaunchId, version: string, secrets: Secrets): Promise<() => Promise<void>>;
  /** Those that the launch does not read any more. */
  forgetOldSecrets(launch: LaunchId): Promise<void>;
  removeSecrets(launch: LaunchId): Promise<void>;
}

/** Envoy's `Secret` messages by their names. */
export type Secrets = ReadonlyMap<string, Tree>;

/** A validated copy of the certificate folders, whole and private. */
export interface CertificateSnapshot {
  readonly digest: string;
  /** The folder Envoy reads: `certs/<digest>` in the run directory. */
  readonly folder: string;
  /**
   * Of the certificates in each file, in their order: by its path in the snapshot, and by that in
   * the folder it was read from.
   */
  readonly serialNumbers: ReadonlyMap<string, readonly string[]>;
}

/** Everything one launch needs, put together once and kept while a launch uses it. */
export interface Material {
  readonly desired: Desired;
  readonly binary: string;
  /** The bootstrap as canonical JSON, with what only one launch knows filled in. */
  bootstrapFor(launch: LaunchPlaces): string;
  /**
   * The same with every certificate named by its file, as it is validated: Envoy does not look at
   * secrets then.
   */
  validationFor(launch: Pick<LaunchPlaces, 'adminSocketPath'>): string;
  /** What it reads by file SDS; empty where certificates come with a restart. */
  readonly secrets: Secrets;
  /** The copies its files are read from; absent without certificates. */
  readonly certificateFolder?: string;
  /** Whether new certificates can be put under an Envoy that serves, all of them by the secrets. */
  readonly isDeliverable: boolean;
  /** What Envoy has to show for it once it is LIVE. */
  readonly expected: CertificateExpectation;
}

/** Where one launch finds what is its own. */
export interface LaunchPlaces {
  readonly adminSocketPath: string;
  readonly secretsFolder: string;
}

/** Where what happened is told: log, metrics, history. */
export interface Reporter {
  event(event: Event): void;
}

/** One HTTP request as it was read: whole, bounded in size and time, and not yet believed. */
export interface HttpRequest {
  readonly method: string;
  /** As sent: path and query, or something odd that matches no route. */
  readonly target: string;
  readonly transport: 'tcp' | 'unix';
  /** The other end's address as the kernel names it; empty on a unix socket. */
  readonly peer: string;
  readonly peerPort: number;
  /** This end's: what was connected to. */
  readonly localAddress: string;
  readonly localPort: number;
  /** By lower-case name, every value kept: a second Host does not hide behind the first. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  readonly body: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * In parts: sent as they come and no faster than they are read. Whoever makes them is told by
   * `return` when the reader has gone.
   */
  readonly body: string | Buffer | AsyncIterable<string | Uint8Array>;
}

/** Answers every request; what it throws becomes a bare 500. */
export type HttpRoutes = (request: HttpRequest) => Promise<HttpAnswer>;
