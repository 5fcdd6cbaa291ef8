import type { DestinationStream, Logger, LoggerOptions } from 'pino';
import type { EnvoyLine } from '../core/envoy-line.ts';
import type { LogRecord } from '../core/log-record.ts';
import { visibleJson, withVisibleStrings } from '../core/visible.ts';
import type { SpawnSpec } from '../ports.ts';

/** What waits for a reader that stalls; past it lines are dropped and counted. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

export interface LogOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
}

export interface Log {
  record(record: LogRecord): void;
  /** One of Envoy's lines, tagged with the launch it came from. */
  envoyLine(spec: SpawnSpec, pid: number, line: EnvoyLine): void;
  /** From now on; with what comes before the library is loaded as well. */
  setLevel(level: string): void;
  /** Loads the library and writes what has come so far; until then records wait in memory. */
  load(): Promise<void>;
  /** Lines that were dropped because nobody read them, so far. */
  droppedCount(): number;
  /** Resolves when everything is written; the caller bounds it in time. */
  flush(): Promise<void>;
}

/**
 * Structured lines on standard output. A pipe is written without waiting, so that a stalled reader
 * costs lines, which are counted, and nothing else: neither memory without bound nor the exit.
 */
export function createLog(options: LogOptions): Log {
  const output = openOutput();
  let early: ((logger: Logger) => void)[] = [];
  let logger: Logger | undefined;
  let loading: Promise<Logger> | undefined;
  const write = (what: (to: Logger) => void) => {
    if (logger === undefined) early.push(what);
    else what(logger);
  };
  const load = async () => {
    loading ??= createLogger(options, output);
    logger = await loading;
    for (const what of early) what(logger);
    early = [];
  };
  return {
    record: ({ level: at, message, fields }) =>
      write((to) => to[at]({ source: 'baton', ...fields }, message)),
    envoyLine: (spec, pid, line) => write((to) => writeEnvoyLine(to, { spec, pid, line })),
    setLevel: (level) =>
      write((to) => {
        to.level = level;
      }),
    load,
    droppedCount: output.droppedCount,
    flush: async () => {
      await load();
      await output.flush();
    },
  };
}

/**
 * Node's own stream and no file descriptor: a write to a full pipe would occupy a thread of the
 * pool, and a process does not exit before its pool is idle (measured on Node 20).
 */
function openOutput() {
  const { stdout } = process;
  let droppedCount = 0;
  const countLost = (error?: Error | null) => {
    if (error) droppedCount += 1;
  };
  // A log shipper that restarts closes the pipe for good: that must not end the agent.
  stdout.on('error', () => {});
  return {
    write: (line: string) => {
      if (stdout.writableLength > MAX_WAITING_BYTES) droppedCount += 1;
      else stdout.write(line, countLost);
    },
    droppedCount: () => droppedCount,
    flush: () => new Promise<void>((resolve) => void stdout.write('', () => resolve())),
  };
}

async function createLogger({ level, format }: LogOptions, output: DestinationStream) {
  const { pino } = await import('pino');
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  return pino(options, format === 'pretty' ? await prettied(output) : visibly(output));
}

interface TaggedLine {
  readonly spec: SpawnSpec;
  readonly pid: number;
  readonly line: EnvoyLine;
}

function writeEnvoyLine(logger: Logger, { spec, pid, line }: TaggedLine): void {
  const { kind, level, message, ...details } = line;
  const source = kind === 'access' ? 'access' : 'envoy';
  const { launch, epoch } = spec;
  logger[level]({ source, launch, epoch, pid, ...details }, message);
}

function visibly(output: DestinationStream): DestinationStream {
  return { write: (line: string) => output.write(visibleJson(line)) };
}

/** For people at a terminal, one line for each record; loaded for them alone. */
async function prettied(output: DestinationStream): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty');
  const prettify = prettyFactory({
    ignore: 'pid',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  });
  return { write: (line: string) => output.write(prettify(withVisibleStrings(line))) };
}
