import { Agent } from 'node:http';
import pRetry from 'p-retry';
import { AgentError, messageOf } from '../core/agent-error.ts';
import type { Epoch } from '../core/model.ts';
import type { AdminAnswer, AdminChannel, EnvoyAdmin, LiveWatch, ServerInfo } from '../ports.ts';
import {
  CHANNEL_CLOSED,
  CONNECTION_CLOSED,
  exchange,
  keepConnection,
  type Limits,
  type Question,
  timeLimit,
  within,
} from './envoy-admin/questions.ts';
import { createStreams, type Streams, wholeAsStream } from './envoy-admin/streams.ts';

const DEFAULT_LIMITS: Limits = { timeoutMs: 2_000, maxBytes: 1024 * 1024 };
/** A launch is LIVE 55-80 ms after its start (measured): the first questions come quickly. */
const POLL = { minTimeout: 10, factor: 1.15, maxTimeout: 250, randomize: false } as const;
/** Of an answer that was to be streamed and is held instead. */
const MOST_HELD_BYTES = 16 * 1024 * 1024;
/** Of others' questions at once: two that take their time do not hold up a probe. */
const MOST_PASSED_ON = 16;
/** Answered for as long as the client stays: on the kept connection nothing else would ever be. */
const ENDLESS_PATHS: ReadonlySet<string> = new Set(['/hystrix_event_stream', '/tap']);

/**
 * Envoy's admin over one kept connection per launch: opened while the launch still accepts them, it
 * answers for as long as the process lives, also after a child has closed the parent's admin
 * listener (measured on Envoy 1.40). No answer can come from another launch.
 */
export const envoyAdmin: EnvoyAdmin = { open: openChannel };

function openChannel(socketPath: string): AdminChannel {
  const kept = keepConnection();
  const passage = new Agent({ keepAlive: true, maxSockets: MOST_PASSED_ON, maxFreeSockets: 1 });
  const streams = createStreams(socketPath);
  const request: AdminChannel['request'] = async (method, path, given = {}) => {
    // Envoy sends a body after HEAD too (measured on 1.40): to a reader of HTTP that is garbage.
    const sent = method === 'HEAD' ? 'GET' : method;
    const question = { method: sent, path, socketPath, body: given.body };
    const limits = { ...DEFAULT_LIMITS, ...given };
    const own = () => kept.ask(question, limits);
    const others = () =>
      passOn(question, limits, passage).catch((error: unknown) => {
        if (isRefused(error) && hasEnd(path)) return own();
        throw error;
      });
    return (given.isPassedOn ? others() : own()).catch((cause: unknown) => {
      const message = `Cannot ask Envoy for ${path}: ${messageOf(cause)}.`;
      throw new AgentError(failureOf(cause), message, { cause });
    });
  };
  const close = () => {
    kept.close();
    passage.destroy();
    streams.close();
  };
  return {
    request,
    stream: streamFrom(streams, ({ path, timeoutMs }) =>
      kept.ask({ method: 'GET', path, socketPath }, { timeoutMs, maxBytes: MOST_HELD_BYTES }),
    ),
    untilLive: async (epoch, watch) => {
      // An unanswered question would outlive the launch by its time limit.
      watch.signal.addEventListener('abort', close);
      return untilLive(request, epoch, watch).finally(() =>
        watch.signal.removeEventListener('abort', close),
      );
    },
    close,
  };
}

interface StreamQuestion {
  readonly path: string;
  readonly timeoutMs: number;
}

/** @param hold Asks for the whole, when no other connection can be had. */
function streamFrom(
  streams: Streams,
  hold: (question: StreamQuestion) => Promise<AdminAnswer>,
): AdminChannel['stream'] {
  return async (path, timeoutMs) => {
    try {
      return await streams.open(path, timeoutMs).catch(async (error: unknown) => {
        if (isRefused(error)) return wholeAsStream(await hold({ path, timeoutMs }));
        throw error;
      });
    } catch (cause) {
      if (cause instanceof AgentError) throw cause;
      const message = `Cannot ask Envoy for ${path}: ${messageOf(cause)}.`;
      throw new AgentError('unreachable', message, { cause });
    }
  };
}

/** Someone else's question may cost the connection it goes over: there are others. */
async function passOn(question: Question, limits: Limits, agent: Agent): Promise<AdminAnswer> {
  const { timeoutMs, maxBytes } = limits;
  const signal = timeLimit(timeoutMs);
  const { answer } = exchange(question, { agent, signal, maxBytes, mostBytes: maxBytes });
  return within(signal, timeoutMs, answer);
}

/** A child that failed has closed the launch's admin listener; the kept connection still answers. */
function isRefused(error: unknown): boolean {
  return codeOf(error) === 'ECONNREFUSED';
}

/** Of a connection that was never made. */
const UNREACHED: readonly unknown[] = ['ECONNREFUSED', 'ENOENT', CHANNEL_CLOSED];
const BROKE_OFF: readonly unknown[] = ['ECONNRESET', 'EPIPE', CONNECTION_CLOSED];

function failureOf(error: unknown): string {
  const code = codeOf(error);
  if (UNREACHED.includes(code)) return 'adminUnreached';
  return BROKE_OFF.includes(code) ? 'adminBrokeOff' : 'adminSilent';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function hasEnd(path: string): boolean {
  return !ENDLESS_PATHS.has(path.split('?', 1)[0] ?? path);
}

async function untilLive(
  request: AdminChannel['request'],
  epoch: Epoch,
  watch: LiveWatch,
): Promise<ServerInfo> {
  const { signal } = watch;
  const askOnce = async () => {
    const info = serverInfoIn(await request('GET', '/server_info'));
    if (info.state === 'LIVE' && info.epoch === epoch) return info;
    watch.onAnswer(info.state);
    throw new Error(`state ${info.state} at epoch ${info.epoch}`);
  };
  return pRetry(askOnce, { ...POLL, retries: Number.POSITIVE_INFINITY, signal });
}

/** @throws when it is no server info. */
function serverInfoIn(answer: AdminAnswer): ServerInfo {
  const info = JSON.parse(answer.body.toString('utf8')) as Record<string, unknown> | null;
  const options = info?.['command_line_options'] as Record<string, unknown> | undefined;
  return {
    state: String(info?.['state']),
    epoch: Number(options?.['restart_epoch'] ?? 0),
    version: String(info?.['version']),
    hotRestartVersion: String(info?.['hot_restart_version']),
  };
}
