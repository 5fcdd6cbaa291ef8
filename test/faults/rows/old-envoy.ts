/** Faults of the old Envoy: the one that serves until the new one is LIVE. */
import { cannot, faked, type Row, shown } from '../vocabulary.ts';

const GONE = cannot('it has ended');
const NOT_ITS_TIME = cannot('its time begins at LIVE');

const dies = {
  beforeSpawn: shown('back', 'delay', 'cold: nothing else serves'),
  beforeShutdownAdmin: shown('back', 'delay', "the new one can't finish without it and is killed"),
  beforeLive: shown('back', 'delay', "the new one can't finish without it and is killed"),
  justLive: shown('rescued', 'inFlight', 'before the new one aborts for want of its parent'),
  duringDrain: shown('rescued', 'inFlight', 'before the new one aborts for want of its parent'),
  afterParentEnd: GONE,
};

export const oldEnvoyRows = {
  oldIsKilled: {
    title: 'the old Envoy is killed (SIGKILL, out of memory)',
    about:
      "Before LIVE it is the serving one that dies: the new one can't finish without its parent and is killed, and what was LIVE last is started cold after the token's delay. From LIVE on the new one serves but will abort within 15 s for want of its parent: a third one is started side by side at once (`trigger: crash`, `mode: side-by-side`), and the doomed one is drained.",
    cells: dies,
  },
  oldAborts: {
    title: 'the old Envoy aborts',
    about:
      'An assertion, a segmentation fault: [as when it is killed](#the-old-envoy-is-killed-sigkill-out-of-memory).',
    cells: dies,
  },
  oldIsStopped: {
    title: 'the old Envoy is stopped (SIGSTOP)',
    about:
      'Before LIVE it is the serving one that answers nothing, until BATON_HANG_DEADLINE has it replaced. From LIVE on only the connections it still has are stuck; the new one, which waits for its answers, is replaced side by side once the old one is killed.',
    cells: {
      beforeSpawn: shown('rescued', 'silence'),
      beforeShutdownAdmin: shown('rescued', 'silence'),
      beforeLive: shown('rescued', 'silence'),
      justLive: shown(
        'rescued',
        'inFlight',
        'the new one waits for its answers; it is killed first',
      ),
      duringDrain: shown(
        'rescued',
        'inFlight',
        'the new one waits for its answers; it is killed first',
      ),
      afterParentEnd: GONE,
    },
  },
  oldOverstays: {
    title: 'the old Envoy overstays its time',
    about:
      'It should have ended when its child told it to. 10 s later it counts as dead-locked and is killed, and its child, doomed by that, is replaced side by side.',
    cells: {
      beforeSpawn: NOT_ITS_TIME,
      beforeShutdownAdmin: NOT_ITS_TIME,
      beforeLive: NOT_ITS_TIME,
      justLive: NOT_ITS_TIME,
      duringDrain: faked(
        'rescued',
        'inFlight',
        'a real one that runs does leave; the row of SIGSTOP shows one that does not run',
      ),
      afterParentEnd: GONE,
    },
  },
} as const satisfies Record<string, Row>;
