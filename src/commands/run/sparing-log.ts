/** The log without its thousandth line of a kind: an Envoy that complains all the time fills no disk. */
import type { Log } from '../../adapters/log.ts';
import { isoTime } from '../../core/iso-time.ts';
import { type Repeatable, repeatableLine, repeatableRecord } from '../../core/repeatable.ts';
import { createRepeats, type LeftOut } from '../../core/repeats.ts';
import type { Clock } from '../../ports.ts';

const MOST_KINDS = 256;

export interface SparingLog extends Log {
  /** Lines that were left out because they repeat others, so far. */
  leftOutCount(): number;
}

export interface SparingOptions {
  readonly clock: Clock;
  /** Lines of a kind that are written in each window; 0: all. */
  readonly most: number;
}

/** What is left out is told of when its window ends, at the latest with the last flush. */
export function spareRepeats(log: Log, options: SparingOptions): SparingLog {
  if (options.most === 0) return { ...log, leftOutCount: () => 0 };
  const count = countRepeats(log, options);
  return {
    ...log,
    record: (record) => {
      if (count.isWritten(repeatableRecord(record))) log.record(record);
    },
    envoyLine: (spec, pid, line) => {
      if (count.isWritten(repeatableLine(spec, line))) log.envoyLine(spec, pid, line);
    },
    leftOutCount: count.leftOutCount,
    flush: () => {
      count.tellAll();
      return log.flush();
    },
  };
}

function countRepeats(log: Log, { clock, most }: SparingOptions) {
  const repeats = createRepeats<Repeatable>({ most, mostKinds: MOST_KINDS });
  let leftOutCount = 0;

  function tell({ line, count, sinceMs, untilMs }: LeftOut<Repeatable>): void {
    const zeroMs = clock.wallMs() - clock.moment().atMs;
    const times = { since: isoTime(zeroMs + sinceMs), until: isoTime(zeroMs + untilMs) };
    const fields = { count, ...line.fields, ...times };
    log.record({ level: line.level, message: 'repeated lines left out', fields });
  }

  function tellOf(window: string): void {
    const leftOut = repeats.close(window);
    if (leftOut !== undefined) tell(leftOut);
  }

  return {
    isWritten: (line: Repeatable | undefined): boolean => {
      if (line === undefined) return true;
      const { atMs } = clock.moment();
      const taken = repeats.take(line, line.kind, atMs);
      if (taken.isWritten) return true;
      leftOutCount += 1;
      const { opens } = taken;
      if (opens !== undefined) clock.after(opens.endsAtMs - atMs, () => tellOf(opens.window));
      return false;
    },
    tellAll: () => repeats.closeAll().forEach(tell),
    leftOutCount: () => leftOutCount,
  };
}
