import { closeSync, constants, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../core/agent-error.ts';
import { outcomeText } from '../core/attempts.ts';
import { createLineReader, cutLines, type EnvoyLine } from '../core/envoy-line.ts';
import type { Outcome } from '../core/model.ts';
import type { EnvoyProcess, EnvoyProcesses, SpawnSpec } from '../ports.ts';
import { startChild } from './envoy-process/child.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const LAST_LINES = 20;
const LAST_LINE_LENGTH = 500;
/** Reading what a full pipe still holds takes no more turns of the event loop than this. */
const TURNS_AFTER_EXIT = 4;

export interface EnvoyProcessOptions {
  /** Where named pipes live for the moment between their making and their opening. */
  readonly folder: string;
  /** Keeps that folder for as long as the work takes. @throws Error when it is given up already */
  keepFolder<Answer>(work: () => Promise<Answer>): Promise<Answer>;
  /** Merged over the agent's own: an undefined member takes a name away. */
  readonly environment: Environment;
  onLine(spec: SpawnSpec, pid: number, line: EnvoyLine): void;
}

/**
 * Spawns Envoy. Call it from the main thread alone: Envoy's parent-death signal hangs on the thread
 * that forked it (measured on Envoy 1.40).
 *
 * Its output goes through true pipes. What Node calls a pipe is a socket, and `/dev/stdout` cannot
 * be opened on a socket: an access log of that path keeps Envoy from starting (measured).
 */
export function createEnvoyProcesses(options: EnvoyProcessOptions): EnvoyProcesses {
  let pipeCount = 0;
  const makePipes = () => {
    pipeCount += 1;
    const name = join(options.folder, `.pipe-${pipeCount}`);
    return options
      .keepFolder(() => openPipes(name, options.environment))
      .catch((error: unknown) => pipesFailed(messageOf(error)));
  };
  // Made ahead, so that no launch waits for them; those of the last one go with the agent.
  let madeAhead = makePipes();
  return {
    spawn: async (spec) => {
      let pipes = await madeAhead;
      if ('kind' in pipes) pipes = await makePipes();
      madeAhead = makePipes();
      return 'kind' in pipes ? neverStarted(pipes) : start(spec, options, pipes);
    },
  };
}

async function start(
  spec: SpawnSpec,
  options: EnvoyProcessOptions,
  [out, err]: Pipes,
): Promise<EnvoyProcess> {
  const { process, outcome } = await startChild(spec.binary, spec.args, {
    output: [out.writeEnd, err.writeEnd],
    environment: options.environment,
  });
  // Envoy has copies of its own; ours would keep the pipes from ever ending.
  for (const { writeEnd } of [out, err]) closeSync(writeEnd);
  const pid = process?.pid;
  const words = createLastWords();
  const follow = (stream: 'stdout' | 'stderr', from: Readable) => {
    const read = createLineReader(stream);
    readLines(from, (text) => {
      const line = read(text);
      if (line === undefined) return;
      words.take(line);
      options.onLine(spec, pid ?? 0, line);
    });
  };
  follow('stdout', out.readEnd);
  follow('stderr', err.readEnd);
  return {
    pid,
    exited: outcome.then(async (ended) => {
      for (let turn = 0; turn < TURNS_AFTER_EXIT; turn++) await nextTurn();
      return ended;
    }),
    lastLines: words.lines,
    signal: (signal) => process?.exitCode === null && !process.signalCode && process.kill(signal),
  };
}

/** The last lines; where they end in fatal records, the first one comes last: it says why. */
function createLastWords() {
  const lines: string[] = [];
  let firstFatal: string | undefined;
  let isFatalLast = false;
  return {
    take: ({ kind, level, message }: EnvoyLine): void => {
      if (kind === 'access') return;
      const kept = message.slice(0, LAST_LINE_LENGTH);
      isFatalLast = level === 'fatal';
      if (isFatalLast) firstFatal ??= kept;
      lines.push(kept);
      if (lines.length > LAST_LINES) lines.shift();
    },
    lines: (): readonly string[] => {
      if (!isFatalLast || firstFatal === undefined || firstFatal === lines.at(-1))
        return [...lines];
      return [...lines, firstFatal].slice(-LAST_LINES);
    },
  };
}

function neverStarted(outcome: Outcome): EnvoyProcess {
  return {
    pid: undefined,
    exited: Promise.resolve(outcome),
    lastLines: () => [],
    signal: () => false,
  };
}

function readLines(from: Readable, onLine: (text: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let leftOver = '';
  const take = (text: string) => {
    const cut = cutLines(leftOver, text);
    leftOver = cut.leftOver;
    for (const line of cut.lines) onLine(line);
  };
  from.on('data', (chunk: Buffer) => take(decoder.write(chunk)));
  from.on('end', () => take(`${decoder.end()}\n`));
  from.on('error', () => from.destroy());
}

interface Pipe {
  readonly readEnd: Socket;
  readonly writeEnd: number;
}

type Pipes = readonly [Pipe, Pipe];

/** For standard output and standard error, or why they can't be made. Never rejects. */
async function openPipes(name: string, environment: Environment): Promise<Pipes | Outcome> {
  const paths = [`${name}.out`, `${name}.err`] as const;
  try {
    const output = ['ignore', 'ignore'] as const;
    const made = await startChild('mkfifo', ['-m', '600', ...paths], { output, environment });
    const outcome = await made.outcome;
    if (outcome.kind !== 'exited' || outcome.code !== 0) return pipesFailed(outcome);
    return openBoth(paths);
  } catch (error) {
    return pipesFailed(messageOf(error));
  } finally {
    // One that can't be removed is of no use to anybody and does no harm.
    await Promise.allSettled(paths.map((path) => rm(path, { force: true })));
  }
}

function pipesFailed(why: Outcome | string): Outcome {
  const reason = typeof why === 'string' ? why : `mkfifo ${outcomeText(why)}`;
  const more = typeof why !== 'string' && why.kind === 'notStarted' ? ` ${why.message}` : '';
  const message = `Cannot make the pipes for Envoy's output: ${reason}.${more}`;
  return { kind: 'notStarted', errno: 'mkfifo', message };
}

function openBoth([out, err]: readonly [string, string]): Pipes {
  const first = openPipe(out);
  try {
    return [first, openPipe(err)];
  } catch (error) {
    first.readEnd.destroy();
    closeSync(first.writeEnd);
    throw error;
  }
}

/** The reading end first and without waiting: opening the writing end then can't block. */
function openPipe(path: string): Pipe {
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const writeEnd = openSync(path, constants.O_WRONLY);
    return { readEnd: new Socket({ fd: readFd, readable: true, writable: false }), writeEnd };
  } catch (error) {
    closeSync(readFd);
    throw error;
  }
}
