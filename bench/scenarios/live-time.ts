/** How long a launch takes from its execution to LIVE, asked of Envoy itself. */
import type { EnvoyStamp } from '../envoy-stamps.ts';
import { monotonicMs } from '../judge/connection.ts';
import { get } from '../probe.ts';
import { waitFor } from '../waiting.ts';
import type { World } from '../world.ts';

export interface LiveTime {
  readonly stamp: EnvoyStamp;
  readonly liveAtMs: number;
}

/** Waits for the next launch after `count` ones and until its admin says LIVE at `epoch`. */
export async function nextLive(world: World, count: number, epoch: number): Promise<LiveTime> {
  const launches = () => world.stamps.all().filter(({ isLaunch }) => isLaunch);
  const stamp = await waitFor('launch', () => launches()[count], { everyMs: 5 });
  const liveAtMs = await waitFor(`LIVE at epoch ${epoch}`, () => liveMoment(stamp, epoch), {
    everyMs: 5,
  });
  return { stamp, liveAtMs };
}

export function launchCount(world: World): number {
  return world.stamps.all().filter(({ isLaunch }) => isLaunch).length;
}

async function liveMoment({ adminSocket }: EnvoyStamp, epoch: number) {
  if (adminSocket === undefined)
    throw new Error('Cannot ask Envoy: no admin socket in its arguments.');
  const { body } = await get({ socketPath: adminSocket }, '/server_info').catch(() => ({
    body: '',
  }));
  const isLive = /"state": "LIVE"/.test(body) && body.includes(`"restart_epoch": ${epoch},`);
  return isLive ? monotonicMs() : undefined;
}
