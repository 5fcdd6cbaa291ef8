/** A new certificate, until a handshake shows it. */
import { monotonicMs } from '../judge/connection.ts';
import { type SerialSighting, seeSerial } from '../probe.ts';
import { delay } from '../waiting.ts';
import type { World } from '../world.ts';

export interface ServedRotation {
  /** From the last write to the end of the first handshake with the new serial number. */
  readonly afterMs: number;
  /** Handshakes in between that came to nothing. */
  readonly failedCount: number;
}

const GIVEN_UP_AFTER_MS = 20_000;

/**
 * Rotates, and makes a full handshake every `everyMs`, none waiting for another, until one shows the
 * new serial number. @throws Error when none does within twenty seconds.
 */
export async function rotateUntilServed(world: World, everyMs = 10): Promise<ServedRotation> {
  const { serialNumber, writtenAtMs } = await world.certificates.rotate();
  const target = { ...world.tls.tls, port: world.tls.port };
  const sightings: SerialSighting[] = [];
  const firstNew = () => sightings.find((sighting) => sighting.serialNumber === serialNumber);
  while (firstNew() === undefined && monotonicMs() < writtenAtMs + GIVEN_UP_AFTER_MS) {
    void seeSerial(target).then((sighting) => sightings.push(sighting));
    await delay(everyMs);
  }
  const first = firstNew();
  if (first === undefined) throw new Error('Cannot see the new certificate: it is not served.');
  const failedCount = sightings.filter((sighting) => sighting.serialNumber === undefined).length;
  return { afterMs: first.atMs - writtenAtMs, failedCount };
}
