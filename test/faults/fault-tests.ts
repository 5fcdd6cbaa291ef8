/** The tests of the matrix on one kind of Envoy: one for each cell that it can be made to show. */
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import type { Ledger } from '../../bench/judge/ledger.ts';
import { type Load, startLoad } from '../../bench/judge/load.ts';
import { type E2eScene, type EnvoyKind, openScene } from './e2e-scene.ts';
import { injections } from './injections.ts';
import { isShownOnReal, type Place, placesOf, titleOf } from './matrix.ts';
import { play } from './play.ts';
import type { Scene } from './scene.ts';

/** Cells wait for the most part: for drains, deadlines and delays. */
const PLAYED_AT_A_TIME = 8;
const PATIENCE = { timeout: 5_000, interval: 50 };
/** Of the agent's log, where a cell went wrong. */
const LINES_SHOWN = 40;

export function describeFaults(kind: EnvoyKind): void {
  vi.setConfig({ maxConcurrency: PLAYED_AT_A_TIME });
  const places = placesOf()
    .filter((place) => kind === 'fake' || isShownOnReal(place))
    .sort((a, b) => lengthOf(b) - lengthOf(a));
  describe.concurrent(`on the ${kind} Envoy`, () => {
    test.each(places.map((place) => [titleOf(place), place] as const))('%s', (_, place) =>
      playInTest(kind, place),
    );
  });
}

/** The long ones come first: the others fill the time beside them. */
function lengthOf({ fault }: Place): number {
  return injections[fault].takesLong ? 1 : 0;
}

async function playInTest(kind: EnvoyKind, place: Place): Promise<void> {
  const scene = await openScene(kind, place.fault);
  const load = mayLoseNothing(kind, place) ? startLoadOn(scene) : undefined;
  try {
    await play(place, scene);
    expect(scene.violations()).toEqual([]);
    if (load !== undefined) await expectNothingLost(await load.stop(), scene);
  } catch (cause) {
    throw withLog(cause, scene);
  } finally {
    await scene.close();
    await load?.stop();
  }
}

/**
 * An old Envoy leaves when its time is up, whoever is still there: a judge on a busy machine may be,
 * and the agent has told of the connections. Where the machine is quiet there are none.
 */
async function expectNothingLost({ lost, lostRows }: Ledger, scene: Scene): Promise<void> {
  // The judge sees a connection end before the agent has told of who ended.
  await vi.waitFor(() => {
    const ends = scene.agent().records({ msg: 'Envoy ended' });
    const leftAtItsTime = ends.reduce((sum, end) => sum + Number(end['connectionsLeft'] ?? 0), 0);
    expect(lost, JSON.stringify(lostRows)).toBeLessThanOrEqual(leftAtItsTime);
  }, PATIENCE);
}

/** The stand-in hands no socket on, and what is sent to an agent that has stopped is lost. */
function mayLoseNothing(kind: EnvoyKind, { cell }: Place): boolean {
  const isLossless = cell.lost === 'none' || (cell.lost === 'queued' && savesQueues());
  return kind === 'real' && isLossless && cell.outcome !== 'stopped';
}

/** Whether the kernel moves what waits in an accept queue that closes. */
function savesQueues(): boolean {
  return readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1';
}

function startLoadOn({ world }: E2eScene): Load {
  const target = { host: '127.0.0.1', port: world.port, echoesLedgerId: true };
  return startLoad({ target, requestsPerSecond: 20, keptConnectionCount: 2 });
}

/** What the agent saw last says more than what was expected of it. */
function withLog(cause: unknown, scene: Scene): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  const lines = scene.agent().records().slice(-LINES_SHOWN);
  const log = lines.map((line) => JSON.stringify(line)).join('\n');
  return new Error(`${message}\n${log}`, { cause });
}
