/** What agent and Envoy have at each moment of a long run, and whether it stays the same. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '../agent.ts';
import { memoryOf } from '../processes.ts';
import { atMost, type Figure, median, rounded, told } from '../scenario.ts';
import type { World } from '../world.ts';

export interface Sample {
  readonly agent: ProcessSample;
  /** The newest: after a restart another one than before. */
  readonly envoy: ProcessSample;
  /** In the run directory, folders included. */
  readonly fileCount: number;
}

interface ProcessSample {
  readonly residentMb: number;
  readonly anonymousMb: number;
  /** Sockets left out: connections come and go with the load. */
  readonly descriptorCount: number;
  /** Of inotify. */
  readonly watchCount: number;
}

export function sampleOf(world: World, agent: Agent): Sample {
  return {
    agent: processSample(agent.pid),
    envoy: processSample(agent.envoys().at(-1) ?? agent.pid),
    fileCount: fileCountIn(join(world.folder, 'run')),
  };
}

/** Folders count as well; one that is removed meanwhile has nothing in it. */
function fileCountIn(folder: string): number {
  const entries = orNothing(() => readdirSync(folder, { withFileTypes: true })) ?? [];
  return entries.reduce(
    (sum, entry) => sum + 1 + (entry.isDirectory() ? fileCountIn(join(folder, entry.name)) : 0),
    0,
  );
}

function processSample(pid: number): ProcessSample {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((name) => {
    return { name, target: orNothing(() => readlinkSync(join(folder, name))) ?? '' };
  });
  const watches = targets
    .filter(({ target }) => target === 'anon_inode:inotify')
    .map(({ name }) => orNothing(() => readFileSync(`/proc/${pid}/fdinfo/${name}`, 'utf8')));
  return {
    ...memoryOf(pid),
    descriptorCount: targets.filter(({ target }) => !/^$|^socket:/.test(target)).length,
    watchCount: watches.join('').match(/^inotify wd:/gm)?.length ?? 0,
  };
}

/** What is gone by the time it is looked at is none any more. */
function orNothing<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** A heap that is collected now and then is never quite flat. */
export const MEMORY_SLACK = 1.1;

/** Flat from the start to the end, whatever a rotation takes in between. */
export function keptFigures(samples: readonly Sample[]): readonly Figure[] {
  const stretches = stretchesOf(samples);
  const each = <Value>(pick: (sample: Sample) => Value) => stretches.map((some) => some.map(pick));
  return [
    ...processFigures(
      'agent',
      each(({ agent }) => agent),
    ),
    ...processFigures(
      'Envoy',
      each(({ envoy }) => envoy),
    ),
    ...countFigures(
      'files',
      each(({ fileCount }) => fileCount),
    ),
  ];
}

/** The first tenth warms up, and until the middle a heap finds its size; then it must be flat. */
function stretchesOf(samples: readonly Sample[]): readonly (readonly Sample[])[] {
  return [0.1, 0.45, 0.9].map((from) =>
    samples.slice(Math.floor(from * samples.length), Math.ceil((from + 0.1) * samples.length)),
  );
}

function processFigures(
  name: string,
  stretches: readonly (readonly ProcessSample[])[],
): readonly Figure[] {
  const usual = (of: 'residentMb' | 'anonymousMb') =>
    stretches.map((some) => median(some.map((sample) => sample[of])));
  const [, middle = 0, end = 0] = usual('residentMb');
  return [
    told(
      `${name}: resident MB, start / middle / end`,
      usual('residentMb').map(rounded).join(' / '),
    ),
    told(
      `${name}: anonymous MB, start / middle / end`,
      usual('anonymousMb').map(rounded).join(' / '),
    ),
    atMost(`${name}: resident at the end / in the middle`, end / middle, MEMORY_SLACK, ' x'),
    ...countFigures(
      `${name}: descriptors but sockets`,
      stretches.map((some) => some.map(({ descriptorCount }) => descriptorCount)),
    ),
    ...countFigures(
      `${name}: inotify watches`,
      stretches.map((some) => some.map(({ watchCount }) => watchCount)),
    ),
  ];
}

/** The least of a while is what is kept between handovers. */
function countFigures(name: string, stretches: readonly (readonly number[])[]): readonly Figure[] {
  const least = stretches.map((counts) => Math.min(...counts));
  const [start = 0, , end = 0] = least;
  return [
    told(`${name}, start / middle / end`, least.join(' / ')),
    atMost(`${name} at the end`, end, start, ''),
  ];
}
