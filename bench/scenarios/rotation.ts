import type { Rotation } from '../certificate-folder.ts';
import { monotonicMs } from '../judge/connection.ts';
import { type SerialSighting, seeSerial } from '../probe.ts';
import { atMost, exactly, median, rounded, type Scenario, told } from '../scenario.ts';
import { delay } from '../waiting.ts';
import { QUIET_TIME_MS, type World } from '../world.ts';
import { launchCount, nextLive } from './live-time.ts';

const ROTATION_COUNT = 6;
const PROBE_INTERVAL_MS = 10;
const GIVEN_UP_AFTER_MS = 20_000;
const ALLOWED_MS = QUIET_TIME_MS + 400;

export const rotation: Scenario = {
  name: 'rotation',
  about: 'last write of a new certificate to the first handshake with it',
  async run(bench) {
    const world = await bench.openWorld();
    const agent = world.startAgent();
    await agent.ready();
    const servedAfterMs: number[] = [];
    const executedAfterMs: number[] = [];
    let failedHandshakes = 0;
    for (let epoch = 1; epoch <= ROTATION_COUNT; epoch += 1) {
      await agent.servesAlone(epoch - 1);
      const live = nextLive(world, launchCount(world), epoch);
      const written = await world.certificates.rotate();
      const seen = await firstSight(world, written);
      const { stamp } = await live;
      failedHandshakes += seen.failedCount;
      servedAfterMs.push(seen.atMs - written.writtenAtMs);
      executedAfterMs.push(stamp.atMs - written.writtenAtMs);
      bench.note(`rotation ${epoch}: served after ${rounded(seen.atMs - written.writtenAtMs)} ms`);
    }
    return [
      atMost('served after the last write, slowest', Math.max(...servedAfterMs), ALLOWED_MS, ' ms'),
      told('served after the last write, median', `${rounded(median(servedAfterMs))} ms`),
      told('of it until Envoy is executed, median', `${rounded(median(executedAfterMs))} ms`),
      told('of it the settle time', `${QUIET_TIME_MS} ms`),
      exactly('failed handshakes', failedHandshakes, 0),
    ];
  },
};

/** A full handshake every 10 ms, none waiting for another, until one shows the new serial number. */
async function firstSight(world: World, written: Rotation) {
  const target = { ...world.tls.tls, port: world.tls.port };
  const sightings: SerialSighting[] = [];
  const isNew = (sighting: SerialSighting) => sighting.serialNumber === written.serialNumber;
  const deadlineMs = monotonicMs() + GIVEN_UP_AFTER_MS;
  while (!sightings.some(isNew) && monotonicMs() < deadlineMs) {
    void seeSerial(target).then((sighting) => sightings.push(sighting));
    await delay(PROBE_INTERVAL_MS);
  }
  const first = sightings.find(isNew);
  if (first === undefined) throw new Error('Cannot see the new certificate: it is not served.');
  const failedCount = sightings.filter(({ serialNumber }) => serialNumber === undefined).length;
  return { atMs: first.atMs, failedCount };
}
