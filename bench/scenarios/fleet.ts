import { atLeast, atMost, exactly, type Figure, type Scenario, told } from '../scenario.ts';
import { AGENT_COUNT, fleetCases, type PlayedCase, playCase } from './fleet/cases.ts';
import { histogram } from './fleet/histogram.ts';

export const fleet: Scenario = {
  name: 'fleet',
  about: `${AGENT_COUNT} agents' decisions on one rotation of a shared bundle, in virtual time`,
  async run({ note }) {
    const played = fleetCases().map((one) => {
      const result = playCase(one);
      note(`${one.title}\n${histogram(result.course.begunAtMs)}`);
      return result;
    });
    return played.flatMap(figuresOf);
  },
};

function figuresOf(played: PlayedCase): readonly Figure[] {
  const { title, course, rotation, summary } = played;
  const { p50Ms, p99Ms, lastMs } = summary.served;
  const seconds = [p50Ms, p99Ms, lastMs].map((ms) => (ms / 1_000).toFixed(1));
  const expired = `${title}: served past the end`;
  return [
    exactly(`${title}: handovers`, course.begunAtMs.length, rotation.agentCount),
    peakFigure(played),
    told(`${title}: served after, p50 / p99 / last`, `${seconds.join(' / ')} s`),
    told(`${title}: two Envoys at once, most`, `${course.mostDoubled} agents`),
    rotation.knowsEnd
      ? exactly(expired, course.expiredCount, 0, ' agents')
      : atLeast(expired, course.expiredCount, 1, ' agents'),
  ];
}

/** How far a count may be from its mean by chance, in its standard deviations (roots of the mean). */
const DEVIATIONS = 5;

function peakFigure({ title, rotation, spreadMs, summary }: PlayedCase): Figure {
  const name = `${title}: most begun in a second`;
  const { peakPerSecond } = summary;
  if (spreadMs === undefined) return told(name, String(peakPerSecond));
  const even = (rotation.agentCount * 1_000) / spreadMs;
  return atMost(name, peakPerSecond, Math.ceil(even + DEVIATIONS * Math.sqrt(even)), '');
}
