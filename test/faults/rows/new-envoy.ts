/** Faults of the new Envoy. */
import { cannot, faked, type Row, shown } from '../vocabulary.ts';

const NOT_THERE = cannot('there is no new Envoy yet');
const HELD_APART =
  'the stand-in alone can be told to end at an exact moment with a code of its choice';
const TAKES_PARENT_ALONG =
  'a real one exits 0 only when it is told to end, and takes a parent along that has not ended';
const NO_HANG =
  'the main thread of a real one cannot be stuck from outside; the row of SIGSTOP stops it whole';
const SAME_EPOCH = 'hot, in the same epoch, while the parent still drains';

const sudden = {
  beforeSpawn: NOT_THERE,
  beforeShutdownAdmin: shown('triedAgain', 'none'),
  beforeLive: shown('triedAgain', 'none', 'the lineage is repaired first'),
  justLive: shown('back', 'delay', SAME_EPOCH),
  duringDrain: shown('back', 'delay', SAME_EPOCH),
  afterParentEnd: shown('back', 'delay', 'cold: nothing else serves'),
};

export const newEnvoyRows = {
  newExitsNonZero: {
    title: 'the new Envoy exits non-zero',
    about:
      'Before LIVE it is as if it had never been started: the old one serves, the shared memory is repaired, and the same epoch is tried again after 200 ms, 400 ms, ... until it works or the tries are spent and the change is given up. From LIVE on it is the serving one that has crashed: new connections are refused until the next one is LIVE, which takes over from the old one again while that still drains. Why it ended: `lastLines` of the record `Envoy ended unexpectedly`.',
    cells: {
      beforeSpawn: NOT_THERE,
      beforeShutdownAdmin: faked('triedAgain', 'none', HELD_APART),
      beforeLive: faked('triedAgain', 'none', HELD_APART),
      justLive: faked('back', 'delay', HELD_APART),
      duringDrain: faked('back', 'delay', HELD_APART),
      afterParentEnd: faked('back', 'delay', HELD_APART),
    },
  },
  newExitsZero: {
    title: 'the new Envoy exits 0, unasked',
    about:
      'Code 0 is no good end where nobody asked for one: [as when it exits non-zero](#the-new-envoy-exits-non-zero).',
    cells: {
      ...sudden,
      beforeShutdownAdmin: faked('triedAgain', 'none', TAKES_PARENT_ALONG),
      beforeLive: faked('triedAgain', 'none', TAKES_PARENT_ALONG),
      justLive: faked('back', 'delay', TAKES_PARENT_ALONG),
      duringDrain: faked('back', 'delay', TAKES_PARENT_ALONG),
    },
  },
  newAborts: {
    title: 'the new Envoy aborts',
    about:
      'An assertion, a segmentation fault: [as when it exits non-zero](#the-new-envoy-exits-non-zero); the `outcome` of the record names the signal.',
    cells: sudden,
  },
  newIsKilled: {
    title: 'the new Envoy is killed (SIGKILL, out of memory)',
    about:
      'What comes of it is the same [as when it exits non-zero](#the-new-envoy-exits-non-zero). Where it was the kernel, for want of memory, the last of `lastLines` says so: raise the memory limit, or see BATON_MEMORY_POLICY.',
    cells: sudden,
  },
  newDiesUnseen: {
    title: 'the new Envoy is killed in the moment between LIVE and the agent seeing it',
    about:
      'An agent that hardly gets the processor asks late: its new Envoy has taken over and is gone before anyone has seen it LIVE. It looks like a failed start, but the old one accepts nothing any more. Baton asks that one whether it was told to close its listeners (`lineage judged` with `hasTakenOver`), and does what it does for a crash: not ready, one token, and what last was LIVE again after its delay.',
    cells: {
      beforeSpawn: NOT_THERE,
      beforeShutdownAdmin: cannot('it is not LIVE yet'),
      beforeLive: cannot('it is not LIVE yet'),
      justLive: shown('back', 'delay', `LIVE, but not seen to be; ${SAME_EPOCH}`),
      duringDrain: cannot('it has been seen'),
      afterParentEnd: cannot('it has been seen'),
    },
  },
  newCannotBind: {
    title: 'the new Envoy cannot bind, though its configuration is valid',
    about:
      "Envoy's validation binds nothing: that a port is taken shows only when the new one is started. It ends before LIVE (`cause: cannotBind`) and is tried again. Free the port or take the listener out; the old one serves meanwhile.",
    cells: {
      beforeSpawn: NOT_THERE,
      beforeShutdownAdmin: cannot('it binds after ShutdownAdmin'),
      beforeLive: shown('triedAgain', 'none', 'committed once the port is free'),
      justLive: cannot('what is LIVE has bound'),
      duringDrain: cannot('what is LIVE has bound'),
      afterParentEnd: cannot('what is LIVE has bound'),
    },
  },
  newHangs: {
    title: 'the new Envoy hangs, silent',
    about:
      'Its main thread is stuck: the admin accepts and never answers. Before LIVE it is killed after BATON_LIVE_DEADLINE and tried again 12 s later, when Envoy has given up the reply that may be under way. From LIVE on its workers still serve: it is found silent after BATON_HANG_DEADLINE (`Envoy hangs`), and killed once a new one is LIVE side by side.',
    cells: {
      beforeSpawn: NOT_THERE,
      beforeShutdownAdmin: faked('triedAgain', 'none', NO_HANG),
      beforeLive: faked('triedAgain', 'none', NO_HANG),
      justLive: faked('rescued', 'queued', NO_HANG),
      duringDrain: faked('rescued', 'queued', NO_HANG),
      afterParentEnd: faked('rescued', 'queued', NO_HANG),
    },
  },
  newInitializesForever: {
    title: 'the new Envoy answers INITIALIZING for ever (no control plane)',
    about:
      'The control plane or an upstream it waits for is gone. After BATON_INIT_DEADLINE it is killed and tried again; the old one serves all the while.',
    cells: {
      beforeSpawn: NOT_THERE,
      beforeShutdownAdmin: cannot('its admin does not answer yet'),
      beforeLive: shown('triedAgain', 'none', 'given up after BATON_INIT_DEADLINE'),
      justLive: cannot('LIVE is never taken back'),
      duringDrain: cannot('LIVE is never taken back'),
      afterParentEnd: cannot('LIVE is never taken back'),
    },
  },
  newIsStopped: {
    title: 'the new Envoy is stopped (SIGSTOP)',
    about:
      'A debugger, a frozen cgroup, SIGSTOP by mistake: the whole process stands still. Before LIVE nobody notices. From LIVE on it takes connections and answers none until BATON_HANG_DEADLINE has it replaced; what waits in its accept queue is handed to the next one and answered late, not lost.',
    cells: {
      beforeSpawn: NOT_THERE,
      beforeShutdownAdmin: shown('triedAgain', 'none', 'given up after BATON_LIVE_DEADLINE'),
      beforeLive: shown('triedAgain', 'none', 'given up after BATON_LIVE_DEADLINE'),
      justLive: shown('rescued', 'silence'),
      duringDrain: shown('rescued', 'silence'),
      afterParentEnd: shown('rescued', 'silence'),
    },
  },
} as const satisfies Record<string, Row>;
