import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import pRetry from 'p-retry';
import { AgentError } from '../core/agent-error.ts';
import type { Epoch } from '../core/model.ts';
import type {
  AdminAnswer,
  AdminChannel,
  AdminLimits,
  EnvoyAdmin,
  LiveWatch,
  ServerInfo,
} from '../ports.ts';

const DEFAULT_TIMEOUT_MS = 2_000;
const DEFAULT_MAX_BYTES = 1024 * 1024;
/** A launch is LIVE 55-80 ms after its start (measured): the first questions come quickly. */
const POLL = { minTimeout: 10, factor: 1.15, maxTimeout: 250, randomize: false } as const;

/**
 * Envoy's admin over one kept connection per launch: opened while the launch still accepts them, it
 * answers for as long as the process lives, also after a child has closed the parent's admin
 * listener (measured on Envoy 1.40). No answer can come from another launch.
 */
export const envoyAdmin: EnvoyAdmin = { open: openChannel };

function openChannel(socketPath: string): AdminChannel {
  const connection = new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
  const passage = new Agent({ keepAlive: true, maxSockets: 2, maxFreeSockets: 1 });
  const request: AdminChannel['request'] = async (method, path, limits = {}) => {
    const call = { method, path, socketPath };
    const own = () => ask({ ...call, agent: connection }, limits);
    if (limits.isPassedOn === undefined) return own();
    return ask({ ...call, agent: passage }, limits).catch((error: unknown) => {
      if (isRefused(error)) return own();
      throw error;
    });
  };
  const close = () => {
    connection.destroy();
    passage.destroy();
  };
  return {
    request,
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

/** A child that failed has closed the launch's admin listener; the kept connection still answers. */
function isRefused(error: unknown): boolean {
  const cause = error instanceof AgentError ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly socketPath: string;
  readonly agent: Agent;
}

function ask(call: Call, limits: AdminLimits): Promise<AdminAnswer> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES, body } = limits;
  const answered = new Promise<AdminAnswer>((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    // Node does not tell a request that still waits for the connection (measured on Node 20).
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${timeoutMs} ms`)));
    const sent = httpRequest(
      { ...call, signal, headers: { host: 'localhost', 'content-length': body?.length ?? 0 } },
      (answer) =>
        readBody(answer, maxBytes).then((read) => resolve(answerOf(answer, read)), reject),
    );
    sent.on('error', reject);
    sent.end(body);
  });
  return answered.catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError('adminSilent', `Cannot ask Envoy for ${call.path}: ${reason}.`, {
      cause,
    });
  });
}

async function readBody(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function answerOf(answer: IncomingMessage, body: Buffer): AdminAnswer {
  return { status: answer.statusCode ?? 0, headers: answer.headers, body };
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
