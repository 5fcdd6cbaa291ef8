/** What comes from outside while a handover is in progress: broken content, changes, asks. */
import { type Row, shown } from '../vocabulary.ts';

const AFTER_THIS = 'after this handover';
const AT_ONCE = 'at once: nothing is in its way';

const refused = shown('refused', 'none', 'the handover in progress is committed first');
const held = shown('heldBack', 'none', 'the handover in progress is committed');
const next = shown('doneNext', 'none', AFTER_THIS);

const asked = {
  beforeSpawn: shown('takenAlong', 'none'),
  beforeShutdownAdmin: next,
  beforeLive: next,
  justLive: next,
  duringDrain: next,
  afterParentEnd: shown('doneNext', 'none', AT_ONCE),
};

export const changeRows = {
  configBreaks: {
    title: 'the bootstrap breaks',
    about:
      "Envoy's validation rejects it before anything is started. `baton status` shows it as given up, the log has the reason; the next change on disk is tried by itself. New certificates do not wait for its mend: they are served on the bootstrap that was LIVE.",
    cells: {
      beforeSpawn: shown('refused', 'none', 'the last content counts: it is what is refused'),
      beforeShutdownAdmin: refused,
      beforeLive: refused,
      justLive: refused,
      duringDrain: refused,
      afterParentEnd: shown('refused', 'none'),
    },
  },
  certificatesBreak: {
    title: 'the certificates break: a key that is not of its certificate',
    about:
      'A set that is not whole is held (`held at its last good state`, with the files and what is wrong with them): the last good set serves until a whole one is there.',
    cells: {
      beforeSpawn: held,
      beforeShutdownAdmin: held,
      beforeLive: held,
      justLive: held,
      duringDrain: held,
      afterParentEnd: shown('heldBack', 'none'),
    },
  },
  anotherChange: {
    title: 'another change comes',
    about:
      'One handover at a time. What changes before Envoy is started is taken along, what changes later is done next; of many changes the last content wins.',
    cells: {
      ...asked,
      beforeSpawn: shown('takenAlong', 'none', 'the checks begin anew: the last content counts'),
    },
  },
  restartAsked: {
    title: 'someone runs `baton restart`',
    about:
      'The command waits for the handover it has asked for, and its exit code tells how that ended.',
    cells: asked,
  },
  sighup: {
    title: 'SIGHUP',
    about: 'A handover with the same content, for a binary or files that Baton does not watch.',
    cells: asked,
  },
} as const satisfies Record<string, Row>;
