/**
 * A server that answers like a proxy with an echoing upstream behind it, and drops exactly as many
 * requests as it is told to, in the way it is told to. It keeps its own count of what it did.
 */
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

/** On connections the first two, on requests the others. */
export type Drop =
  | 'resetAfterAccept'
  | 'closeInHandshake'
  | 'closeBeforeHeaders'
  | 'resetBeforeHeaders'
  | 'cutMidHead'
  | 'cutMidBody'
  | 'answer503'
  | 'answerAnother'
  | 'answerGarbage'
  | 'neverAnswer'
  | 'closeWhenIdle'
  | 'announceClose';

export interface DroppingProxy {
  readonly port: number;
  /** The next `count` connections or requests are dropped this way; plans queue up. */
  plan(drop: Drop, count: number): void;
  /** How many were. */
  dropped(drop: Drop): number;
  /** Full answers with status 200. */
  answered(): number;
  connectionsAccepted(): number;
  /** Closes the port: new connections are refused until `listen`. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
  close(): Promise<void>;
}

export interface DroppingProxyOptions {
  readonly tls?: { readonly cert: string; readonly key: string };
}

const CONNECTION_DROPS: readonly Drop[] = ['resetAfterAccept', 'closeInHandshake'];

export async function startDroppingProxy(
  options: DroppingProxyOptions = {},
): Promise<DroppingProxy> {
  const planned: Drop[] = [];
  const dropped = new Map<Drop, number>();
  const sockets = new Set<net.Socket>();
  let acceptedCount = 0;
  let answeredCount = 0;

  function next(isForConnection: boolean): Drop | undefined {
    const index = planned.findIndex((drop) => CONNECTION_DROPS.includes(drop) === isForConnection);
    const [drop] = index < 0 ? [] : planned.splice(index, 1);
    if (drop !== undefined) dropped.set(drop, (dropped.get(drop) ?? 0) + 1);
    return drop;
  }

  function accept(raw: net.Socket) {
    acceptedCount += 1;
    sockets.add(raw);
    raw.on('close', () => sockets.delete(raw));
    raw.on('error', () => raw.destroy());
    const drop = next(true);
    if (drop === 'resetAfterAccept') raw.resetAndDestroy();
    else if (drop === 'closeInHandshake') raw.once('data', () => raw.destroy());
    else serve(secured(raw));
  }

  function secured(raw: net.Socket): net.Socket {
    if (options.tls === undefined) return raw;
    const socket = new tls.TLSSocket(raw, { isServer: true, ...options.tls });
    socket.on('error', () => socket.destroy());
    return socket;
  }

  function serve(socket: net.Socket) {
    let unread = '';
    socket.on('data', (chunk) => {
      unread += chunk.toString('latin1');
      for (let end = headEnd(unread); end > 0; end = headEnd(unread)) {
        respond(socket, unread.slice(0, end));
        unread = unread.slice(end);
      }
    });
  }

  function respond(socket: net.Socket, request: string) {
    const id = /^x-ledger-id: (\d+)\r$/m.exec(request)?.[1] ?? '';
    const isLast = /^connection: close\r$/m.test(request);
    const drop = next(false);
    const outcome = drop === undefined ? fullAnswer(id, isLast) : ANSWERS[drop]?.(id);
    if (outcome?.isComplete === true) answeredCount += 1;
    if (outcome?.bytes !== undefined) socket.write(outcome.bytes);
    if (outcome?.ending === 'close') socket.end();
    if (outcome?.ending === 'reset') socket.resetAndDestroy();
  }

  let server = net.createServer(accept);
  const listenOn = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as net.AddressInfo).port;
  };
  const port = await listenOn(0);

  return {
    port,
    plan: (drop, count) => planned.push(...Array<Drop>(count).fill(drop)),
    dropped: (drop) => dropped.get(drop) ?? 0,
    answered: () => answeredCount,
    connectionsAccepted: () => acceptedCount,
    async refuse() {
      // Established connections stay: only the port closes.
      server.close();
    },
    async listen() {
      server = net.createServer(accept);
      await listenOn(port);
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Outcome {
  readonly bytes?: string;
  readonly ending?: 'close' | 'reset';
  readonly isComplete?: boolean;
}

const ANSWERS: Partial<Record<Drop, (id: string) => Outcome>> = {
  closeBeforeHeaders: () => ({ ending: 'close' }),
  resetBeforeHeaders: () => ({ ending: 'reset' }),
  cutMidHead: (id) => ({ bytes: answer('200 OK', id).slice(0, 20), ending: 'close' }),
  cutMidBody: (id) => ({ bytes: answer('200 OK', id).slice(0, -3), ending: 'close' }),
  answer503: (id) => ({ bytes: answer('503 Service Unavailable', id) }),
  answerAnother: (id) => ({ bytes: answer('200 OK', `${id}0`) }),
  answerGarbage: () => ({ bytes: 'not HTTP at all\r\n\r\n' }),
  neverAnswer: () => ({}),
  closeWhenIdle: (id) => ({ ...fullAnswer(id, false), ending: 'close' }),
  announceClose: (id) => fullAnswer(id, true),
};

function fullAnswer(id: string, isLast: boolean): Outcome {
  const bytes = answer('200 OK', id, isLast ? 'connection: close\r\n' : '');
  return { bytes, isComplete: true, ...(isLast ? { ending: 'close' } : {}) };
}

function answer(status: string, id: string, field = ''): string {
  return `HTTP/1.1 ${status}\r\nx-ledger-id: ${id}\r\n${field}content-length: 6\r\n\r\nserved`;
}

/** Where the first request's head ends; 0 when it is not all there. */
function headEnd(text: string): number {
  const at = text.indexOf('\r\n\r\n');
  return at < 0 ? 0 : at + 4;
}
