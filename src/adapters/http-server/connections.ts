/** The connections of one listener: how many there may be, and what they may keep in memory. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  type Guest,
  leastWorthItsMemory,
  leastWorthKeeping,
  partyOf,
} from '../../core/making-room.ts';

export interface Connections {
  /**
   * Reads a request, then makes and sends the answer. Those of one connection are answered one after
   * the other, each after the answer before it was taken, however many were sent at once; what can't
   * be answered any more is not begun.
   */
  answer(incoming: IncomingMessage, response: ServerResponse, read: Read): Promise<void>;
}

/** Reads the rest of a request. */
type Read = () => Promise<Make>;

/** Makes an answer. @returns what sends it, and what it keeps in memory until it is taken */
type Make = () => Promise<{ readonly byteCount: number; readonly send: () => Promise<void> }>;

const MOST_CONNECTIONS = 256;
/** Of requests that are not answered and answers that nobody has taken, over all connections. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Takes milliseconds to hand to the kernel: one goes out at a time, and small ones in between. */
const LARGE_BYTES = 64 * 1024;
/** What a request takes without its body, however short its headers are (measured on Node 20). */
const REQUEST_BYTES = 4 * 1024;
const HEADER_BYTES = 80;
/** Taken in before the next answer is made. */
const MOST_NEWCOMERS = 32;

interface Connection extends Guest {
  readonly socket: Socket;
  use: Guest['use'];
  byteCount: number;
  lastAnswer: Promise<void>;
}

/**
 * Keeps watch over a server's connections. One too many, or too much kept for them, ends the one
 * that is least worth keeping, and a newcomer is never the one: neither idle ones by the thousand
 * nor slow ones keep a probe out.
 */
export function watchConnections(server: Server): Connections {
  const room = createRoom();
  const turnOf = createTurns(server);
  server.on('connection', room.enter);

  async function answerNext(connection: Connection, response: ServerResponse, read: Read) {
    const { socket } = connection;
    if (!room.has(connection)) return;
    // Until its turn the rest of a request is left to wait where it is, in the kernel.
    const make = await read();
    connection.use = 'waiting';
    await turnOf(connection);
    if (!room.has(connection)) return;
    const { byteCount, send } = await make();
    connection.use = 'reading';
    room.keep(connection, byteCount);
    if (byteCount > LARGE_BYTES) await turnOf(connection);
    if (!room.has(connection)) return;
    const taken = new Promise<void>((resolve) => response.once('close', resolve));
    await send();
    if (!socket.destroyed) await taken;
    room.settle(connection, byteCount);
  }

  return {
    answer: async ({ socket, rawHeaders }, response, read) => {
      const connection = room.find(socket);
      if (connection === undefined) return;
      const byteCount = REQUEST_BYTES + (rawHeaders.length / 2) * HEADER_BYTES;
      room.keep(connection, byteCount);
      const answered = connection.lastAnswer
        .then(() => answerNext(connection, response, read))
        .finally(() => room.keep(connection, -byteCount));
      connection.lastAnswer = answered.catch(() => {});
      return answered;
    },
  };
}

function createRoom() {
  /** The one that has been of no use for longest comes first. */
  const all = new Map<Socket, Connection>();
  let keptByteCount = 0;

  const has = ({ socket }: Connection) => all.has(socket);
  const count = (connection: Connection, byteCount: number) => {
    keptByteCount += byteCount;
    connection.byteCount += byteCount;
  };
  const end = (connection: Connection | undefined) => {
    if (connection === undefined || !all.delete(connection.socket)) return;
    count(connection, -connection.byteCount);
    connection.socket.destroy();
  };
  return {
    has,
    find: (socket: Socket) => all.get(socket),
    enter: (socket: Socket): void => {
      if (all.size >= MOST_CONNECTIONS) end(leastWorthKeeping(all.values()));
      const party = partyOf(socket.remoteAddress ?? '');
      const connection: Connection = {
        socket,
        party,
        use: 'idle',
        byteCount: 0,
        lastAnswer: Promise.resolve(),
      };
      all.set(socket, connection);
      socket.once('close', () => end(connection));
    },
    /** So much more, or less. */
    keep: (connection: Connection, byteCount: number): void => {
      if (!has(connection)) return;
      count(connection, byteCount);
      if (keptByteCount > MOST_BYTES) end(leastWorthItsMemory(all.values()));
    },
    /** It has been answered by so many bytes, and was of use just now. */
    settle: (connection: Connection, byteCount: number): void => {
      connection.use = 'idle';
      if (!all.delete(connection.socket)) return;
      all.set(connection.socket, connection);
      count(connection, -byteCount);
    },
  };
}

/**
 * A turn lets one of each party through: a crowd that asks for what is dear to make delays a single
 * question from elsewhere by one such answer. Newcomers come before it, for the event loop takes in
 * one of them each time round, and a probe may be the last of a long line.
 */
function createTurns(server: Server): (connection: Connection) => Promise<void> {
  const waiting = new Map<string, Set<() => void>>();
  let hasNewcomer = false;
  let newcomerCount = 0;
  server.on('connection', () => {
    hasNewcomer = true;
  });

  function takeTurn(): void {
    if (hasNewcomer && newcomerCount < MOST_NEWCOMERS) newcomerCount += 1;
    else {
      newcomerCount = 0;
      letThrough();
    }
    hasNewcomer = false;
    if (waiting.size > 0) setImmediate(takeTurn);
  }

  function letThrough(): void {
    for (const [party, line] of waiting) {
      const [goOn] = line;
      goOn?.();
      if (line.size === 0) waiting.delete(party);
    }
  }

  return ({ party, socket }) =>
    new Promise((resolve) => {
      if (waiting.size === 0) setImmediate(takeTurn);
      const line = waiting.get(party) ?? new Set();
      waiting.set(party, line);
      const goOn = () => {
        line.delete(goOn);
        socket.off('close', goOn);
        resolve();
      };
      line.add(goOn);
      // Whose connection was ended stands in nobody's way, and keeps no memory until its turn.
      socket.once('close', goOn);
    });
}
