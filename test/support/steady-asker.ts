/** Asks one port the same questions again and again, at a pace that no answer slows down. */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface SteadyQuestion {
  readonly method: 'GET' | 'POST';
  readonly path: string;
}

/** One question and what came of it. */
export interface Asked extends SteadyQuestion {
  readonly isKept: boolean;
  /** What was answered; 0: nothing. */
  readonly status: number;
  /** `retry-after` of the answer. */
  readonly retryAfter: string | undefined;
  /** The body of an answer that is not 200; why there is none. */
  readonly reason: string;
}

export interface SteadyAsker {
  /** What has come of those that are over. */
  asked(): readonly Asked[];
  /** Asks nothing more. @returns everything, once each has its answer or its end */
  stop(): Promise<readonly Asked[]>;
}

const EVERY_MS = 20;
const PATIENCE_MS = 40_000;

/** Fifty a second, every other one on a kept connection, the questions in turn. */
export function startAsker(port: number, questions: readonly SteadyQuestion[]): SteadyAsker {
  const kept = new Agent({ keepAlive: true });
  const over: Asked[] = [];
  const open = new Set<Promise<void>>();
  let count = 0;
  let isOver = false;
  const askOne = () => {
    const question = questions[Math.floor(count / 2) % questions.length];
    const isKept = count % 2 === 1;
    count += 1;
    if (question === undefined || isOver) return;
    const one = ask(port, question, isKept ? kept : false).then((asked) => {
      over.push({ ...question, isKept, ...asked });
      open.delete(one);
    });
    open.add(one);
  };
  // Not before what has come is read: after a hold-up a kept connection may have been closed.
  const asking = setInterval(() => setImmediate(askOne), EVERY_MS);
  return {
    asked: () => over,
    stop: async () => {
      isOver = true;
      clearInterval(asking);
      await Promise.all(open);
      kept.destroy();
      return over;
    },
  };
}

type Came = Pick<Asked, 'status' | 'retryAfter' | 'reason'>;

function ask(port: number, { method, path }: SteadyQuestion, agent: Agent | false): Promise<Came> {
  return new Promise((resolve) => {
    const failed = ({ message }: Error) =>
      resolve({ status: 0, retryAfter: undefined, reason: message });
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const asked = request({ host: '127.0.0.1', port, method, path, agent, signal }, (answer) => {
      const { statusCode: status = 0, headers } = answer;
      text(answer).then(
        (body) =>
          resolve({
            status,
            retryAfter: headers['retry-after'],
            reason: status === 200 ? '' : body,
          }),
        failed,
      );
    });
    asked.on('error', failed);
    asked.end();
  });
}
