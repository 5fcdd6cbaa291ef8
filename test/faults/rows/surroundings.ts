/** The agent's own end, and what it stands on. */
import { type Row, shown } from '../vocabulary.ts';

const drained = shown('stopped', 'none');
const anew = shown('startedAnew', 'start', 'Envoy is gone within 30 ms of the agent');
const spoiltLater = shown('sideBySide', 'queued', 'this handover is over; the next one finds it');

export const surroundingsRows = {
  agentIsTerminated: {
    title: 'SIGTERM to the agent',
    about:
      'The stop plan, whatever was in progress: what is not LIVE is killed, never told to end, for it would take its parent along; what serves is drained. The figures are of what was under way when the signal came: whoever stops a proxy sends it no more.',
    cells: {
      beforeSpawn: drained,
      beforeShutdownAdmin: shown('stopped', 'none', 'the new one is killed, never told to end'),
      beforeLive: shown('stopped', 'none', 'the new one is killed, never told to end'),
      justLive: shown('stopped', 'none', 'the new one takes the old one along'),
      duringDrain: shown('stopped', 'none', 'the new one takes the old one along'),
      afterParentEnd: drained,
    },
  },
  agentIsKilled: {
    title: 'SIGKILL to the agent',
    about:
      'Envoy does not outlive its supervisor: the kernel ends it within 30 ms. Traffic feels an outage for as long as nobody starts the agent again; in the figures it was started again at once. The next run finds and removes what the last one left: names, sockets, files, shared memory.',
    cells: {
      beforeSpawn: anew,
      beforeShutdownAdmin: anew,
      beforeLive: anew,
      justLive: anew,
      duringDrain: anew,
      afterParentEnd: anew,
    },
  },
  lineageIsSpoilt: {
    title: 'the shared memory is spoilt, and a new Envoy dies with it: no repair is possible',
    about:
      'No new Envoy can join the serving one any more, and no repair dares to write to what it does not know. The handover goes side by side: a new lineage on the same ports, then the old one is drained. Where the kernel does not move waiting connections (net.ipv4.tcp_migrate_req), a few new ones can be reset.',
    cells: {
      beforeSpawn: shown('sideBySide', 'queued'),
      beforeShutdownAdmin: shown('sideBySide', 'queued'),
      beforeLive: shown('sideBySide', 'queued'),
      justLive: spoiltLater,
      duringDrain: spoiltLater,
      afterParentEnd: shown('sideBySide', 'queued'),
    },
  },
  runDirectoryIsFull: {
    title: 'the run directory is full',
    about:
      'Before Envoy is started the change waits and is tried again (`next start scheduled`); once its files are written, a full disk does not matter to it. Free some space: nothing else has to be done.',
    cells: {
      beforeSpawn: shown('triedAgain', 'none', 'committed once there is room'),
      beforeShutdownAdmin: shown('goesThrough', 'none', 'its files are written'),
      beforeLive: shown('goesThrough', 'none', 'its files are written'),
      justLive: shown('goesThrough', 'none', 'its files are written'),
      duringDrain: shown('goesThrough', 'none', 'its files are written'),
      afterParentEnd: shown('triedAgain', 'none', 'the next one, committed once there is room'),
    },
  },
} as const satisfies Record<string, Row>;
