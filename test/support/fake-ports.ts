/**
 * Fakes of what the agent asks of the world. Each does what its port promises, and throws at who
 * does not keep to it: a launch spawned twice, two channels to one admin.
 */
import { Readable } from 'node:stream';
import { AgentError } from '../../src/core/agent-error.ts';
import type { LaunchId, LineageId, Outcome } from '../../src/core/model.ts';
import type {
  AdminAnswer,
  AdminChannel,
  EnvoyAdmin,
  EnvoyProcess,
  EnvoyProcesses,
  EnvoyQueries,
  HotRestartDomain,
  LiveWatch,
  MemoryAccount,
  Result,
  RunDirectory,
  ServerInfo,
  SpawnSpec,
} from '../../src/ports.ts';

export function refusal(message: string, about = 'here'): Result<never> {
  return { ok: false, problems: [{ about, message }] };
}

export interface FakeProcess extends EnvoyProcess {
  readonly spec: SpawnSpec;
  readonly signals: readonly string[];
  print(line: string): void;
  end(outcome: Outcome): void;
}

export interface FakeProcesses extends EnvoyProcesses {
  /** Every spawn so far, oldest first. */
  readonly spawned: readonly FakeProcess[];
  living(): readonly FakeProcess[];
}

export interface SpawnPlan {
  /** What every spawn waits for. @default nothing */
  readonly gate?: () => Promise<void>;
  /** In place of a process. @default one is started */
  readonly notStarted?: Outcome & { readonly kind: 'notStarted' };
}

/** SIGKILL ends a process, other signals are only noted. */
export function fakeProcesses({ gate, notStarted }: SpawnPlan = {}): FakeProcesses {
  const spawned: FakeProcess[] = [];
  return {
    spawned,
    living: () => spawned.filter(isAlive),
    spawn: async (spec) => {
      if (spawned.some((process) => process.spec.launch === spec.launch)) {
        throw new Error(`${spec.launch} is spawned twice.`);
      }
      await gate?.();
      const process = createProcess(spec, notStarted === undefined ? 100 + spawned.length : 0);
      spawned.push(process);
      if (notStarted !== undefined) process.end(notStarted);
      return process;
    },
  };
}

const ended = new WeakSet<FakeProcess>();

function isAlive(process: FakeProcess): boolean {
  return !ended.has(process);
}

function createProcess(spec: SpawnSpec, pid: number): FakeProcess {
  const lines: string[] = [];
  const signals: string[] = [];
  let settle: (outcome: Outcome) => void = () => {};
  const exited = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  const process: FakeProcess = {
    spec,
    pid: pid === 0 ? undefined : pid,
    exited,
    signals,
    lastLines: () => lines.slice(-20),
    print: (line) => void lines.push(line),
    signal: (signal) => {
      if (!isAlive(process)) return false;
      signals.push(signal);
      if (signal === 'SIGKILL') process.end({ kind: 'killed', signal });
      return true;
    },
    end: (outcome) => {
      if (!isAlive(process)) throw new Error(`${spec.launch} ends twice.`);
      ended.add(process);
      settle(outcome);
    },
  };
  return process;
}

export interface FakeChannel extends AdminChannel {
  readonly socketPath: string;
  /** Method and path of every request so far. */
  readonly asked: readonly string[];
  isClosed(): boolean;
  /** As if its launch had answered with a state that is not LIVE. */
  say(state: string): void;
  goLive(info?: Partial<ServerInfo>): void;
}

export interface FakeAdmin extends EnvoyAdmin {
  readonly channels: readonly FakeChannel[];
}

type Answering = (method: string, path: string) => Promise<AdminAnswer>;

/** A channel for each launch; requests are answered by `answer`, once it is said how. */
export function fakeAdmin(answer: Answering = async () => adminAnswer(200)): FakeAdmin {
  const channels: FakeChannel[] = [];
  return {
    channels,
    open: (socketPath) => {
      if (channels.some((channel) => channel.socketPath === socketPath)) {
        throw new Error(`${socketPath} is opened twice: an admin has one channel.`);
      }
      const channel = createChannel(socketPath, answer);
      channels.push(channel);
      return channel;
    },
  };
}

export function adminAnswer(status: number, body = ''): AdminAnswer {
  return { status, headers: {}, body: Buffer.from(body) };
}

/** As an admin counts a launch's connections. */
export function connectionsAnswer(count: number): AdminAnswer {
  const stats = [{ name: 'listener.127.0.0.1_80.downstream_cx_active', value: count }];
  return adminAnswer(200, JSON.stringify({ stats }));
}

function createChannel(socketPath: string, answer: Answering): FakeChannel {
  const asked: string[] = [];
  let isClosed = false;
  let watch: LiveWatch | undefined;
  let goLive: (info: ServerInfo) => void = () => {};
  const info = { state: 'LIVE', epoch: 0, version: '1.40.0', hotRestartVersion: '11.104' };
  return {
    socketPath,
    asked,
    request: async (method, path) => {
      if (isClosed) throw new AgentError('adminSilent', `${socketPath} was closed.`);
      asked.push(`${method} ${path}`);
      return answer(method, path);
    },
    stream: async (path) => {
      asked.push(`stream ${path}`);
      const { status, body } = await answer('GET', path);
      return { status, chunks: Readable.from([body]), discard: () => {} };
    },
    untilLive: (epoch, given) => {
      if (watch !== undefined) throw new Error(`${socketPath} is watched twice.`);
      watch = given;
      return new Promise((resolve, reject) => {
        goLive = (live) => resolve({ ...live, epoch });
        given.signal.addEventListener('abort', () => reject(given.signal.reason));
      });
    },
    close: () => {
      isClosed = true;
    },
    isClosed: () => isClosed,
    say: (state) => watch?.onAnswer(state),
    goLive: (more = {}) => goLive({ ...info, ...more }),
  };
}

export interface FakeDomain extends HotRestartDomain {
  /** Lineages that hold a base id. */
  readonly reserved: ReadonlyMap<LineageId, number>;
}

export interface DomainPlan {
  readonly reserve?: Result<never>;
  readonly repair?: Result<'repaired' | 'wasSound'>;
  readonly obstacleToJoin?: string;
}

export function fakeDomain({ reserve, repair, ...plan }: DomainPlan = {}): FakeDomain {
  const reserved = new Map<LineageId, number>();
  let nextBaseId = 500;
  return {
    reserved,
    reserve: async (lineage) => {
      if (reserve !== undefined) return reserve;
      const baseId = reserved.get(lineage) ?? nextBaseId++;
      reserved.set(lineage, baseId);
      return { ok: true, value: baseId };
    },
    repair: async (lineage) => {
      if (!reserved.has(lineage)) throw new Error(`${lineage} is repaired and never was reserved.`);
      return repair ?? { ok: true, value: 'repaired' };
    },
    obstacleToJoin: async (lineage) => {
      if (!reserved.has(lineage)) throw new Error(`${lineage} is joined and never was reserved.`);
      return plan.obstacleToJoin;
    },
    release: (lineage) => void reserved.delete(lineage),
  };
}

/** What a limit leaves free, and what every process has of its own; without both no limit. */
export function fakeMemory(plan: { freeBytes?: number; ownBytes?: number } = {}): MemoryAccount {
  const { freeBytes, ownBytes = 0 } = plan;
  const group = { limitBytes: freeBytes ?? 0, usedBytes: 0, inactiveFileBytes: 0 };
  return {
    groups: () => (freeBytes === undefined ? [] : [group]),
    processMemory: () => ({ ownBytes, fileBytes: 50_000_000 }),
    killCount: () => 0,
  };
}

export interface FakeRunDirectory extends RunDirectory {
  /** What is in it: names and contents. */
  readonly files: Map<string, string>;
  readonly removed: readonly string[];
}

/** @param failure What every write fails with. */
export function fakeRunDirectory(failure?: string): FakeRunDirectory {
  const files = new Map<string, string>();
  const removed: string[] = [];
  const adminSocketPath = (launch: LaunchId) => `/run/baton/admin-${launch}.sock`;
  const write = async (path: string, json: string) => {
    if (failure !== undefined) throw new AgentError('runDirectory', failure);
    files.set(path, json);
    return path;
  };
  const remove = async (path: string) => {
    removed.push(path);
    files.delete(path);
  };
  const bootstrapPath = (epoch: number) => `/run/baton/envoy-rev${epoch}.json`;
  return {
    path: '/run/baton',
    files,
    removed,
    writeBootstrap: (epoch, json) => write(bootstrapPath(epoch), json),
    withCandidate: async (json, use) => {
      const path = await write('/run/baton/envoy-candidate-1.json', json);
      return use(path).finally(() => remove(path));
    },
    keepLastGood: async (json) => void (await write('/run/baton/envoy-last-good.json', json)),
    removeBootstrap: (epoch) => remove(bootstrapPath(epoch)),
    adminSocketPath,
    removeAdminSocket: (launch) => remove(adminSocketPath(launch)),
    ...fakeSecrets(files, failure),
  };
}

/** What each launch reads lies under `/run/baton/sds/<launch>/current/`. */
function fakeSecrets(
  files: Map<string, string>,
  failure: string | undefined,
): Pick<RunDirectory, 'secretsFolder' | 'putSecrets' | 'forgetOldSecrets' | 'removeSecrets'> {
  const folderOf = (launch: LaunchId) => `/run/baton/sds/${launch}`;
  const under = (launch: LaunchId) =>
    [...files].filter(([path]) => path.startsWith(`${folderOf(launch)}/`));
  const clear = (launch: LaunchId) => {
    for (const [path] of under(launch)) files.delete(path);
  };
  return {
    secretsFolder: folderOf,
    putSecrets: async (launch, _version, secrets) => {
      if (failure !== undefined) throw new AgentError('runDirectory', failure);
      const before = under(launch);
      clear(launch);
      for (const [name, secret] of secrets) {
        files.set(`${folderOf(launch)}/current/${name}.json`, String(secret));
      }
      return async () => {
        clear(launch);
        for (const [path, text] of before) files.set(path, text);
      };
    },
    forgetOldSecrets: async () => {},
    removeSecrets: async (launch) => clear(launch),
  };
}

export interface FakeQueries extends EnvoyQueries {
  /** What was asked, with the binary and its arguments. */
  readonly asked: readonly string[];
}

export interface QueryAnswers {
  /** @default it is in order */
  readonly validate?: Result<void>;
  /** @default 11.104 */
  readonly hotRestartVersion?: Result<string>;
}

export function fakeQueries(answers: QueryAnswers = {}): FakeQueries {
  const asked: string[] = [];
  return {
    asked,
    validate: async (binary, args) => {
      asked.push(['validate', binary, ...args].join(' '));
      return answers.validate ?? { ok: true, value: undefined };
    },
    hotRestartVersion: async (binary) => {
      asked.push(`hotRestartVersion ${binary}`);
      return answers.hotRestartVersion ?? { ok: true, value: '11.104' };
    },
    version: async () => ({ ok: true, value: '1.40.0' }),
  };
}
