/** One open page: what it has not read yet, and the events that tell it. */

export interface Follower {
  /** Of each region the newest alone waits to be read. */
  tell(regions: Iterable<readonly [id: string, markup: string]>): void;
  /** Says that the agent is there when nothing else has been said for so long. */
  tellAfter(silenceMs: number): void;
  /** Tells that there will be no more. */
  end(): void;
  /** Server-sent events, from what was told before on; may be read once. */
  events(): AsyncGenerator<string>;
}

const RECONNECT_MS = 2_000;

export function createFollower(nowMs: () => number): Follower {
  const pending = new Map<string, string>();
  let isOver = false;
  let toldAtMs = nowMs();
  /** Goes on with what waits for news. */
  let wake = () => {};

  function message(): string {
    toldAtMs = nowMs();
    const news = { atMs: toldAtMs, regions: Object.fromEntries(pending) };
    pending.clear();
    return `data: ${JSON.stringify(news)}\n\n`;
  }

  const untilNews = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
      if (isOver || pending.size > 0) resolve();
    });

  return {
    tell: (regions) => {
      for (const [id, markup] of regions) pending.set(id, markup);
      if (pending.size > 0) wake();
    },
    tellAfter: (silenceMs) => {
      if (nowMs() - toldAtMs >= silenceMs) wake();
    },
    end: () => {
      isOver = true;
      wake();
    },
    async *events() {
      yield `retry: ${RECONNECT_MS}\n${message()}`;
      for (;;) {
        await untilNews();
        if (isOver) break;
        yield message();
      }
      yield 'event: over\ndata: over\n\n';
    },
  };
}
