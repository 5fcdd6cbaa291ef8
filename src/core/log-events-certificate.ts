/** Messages about certificates: never key material. */
import { LAUNCH_FIELDS, type LogEvent } from './log-event.ts';

const OF_A_LEAF = ['path', 'serialNumber', 'notAfter', 'leftSeconds', 'advice'] as const;
const SEE_TO_ISSUER =
  'see to its issuer, or to what keeps a newer one from being served (`baton status`)';

export const certificateEvents = {
  'certificates accepted': {
    levels: ['info'],
    meaning: "a new set is whole; with each leaf's path, subject, serial number and end",
    fields: ['certificates', 'leaves'],
  },
  'delivering certificates': {
    levels: ['debug'],
    meaning: 'they are put under those that serve, mode `in-place`',
    fields: ['handover', 'launches'],
  },
  'certificates loaded in place': {
    levels: ['info'],
    meaning: 'Envoy shows them',
    fields: ['handover', 'launches', 'certificates'],
  },
  'certificates not loaded in place': {
    levels: ['warn'],
    meaning: 'Envoy does not; what it had is back, and the same change goes on as a restart',
    fields: ['handover', 'problems'],
    advice: 'see [restart or SDS](#restart-or-sds)',
  },
  'certificates proved': {
    levels: ['debug'],
    meaning: 'a new launch shows what it was given',
    fields: LAUNCH_FIELDS,
  },
  'certificates not proved': {
    levels: ['debug'],
    meaning:
      'it serves, and does not, or not provably; its handover ends as `unproved` with this reason',
    fields: [...LAUNCH_FIELDS, 'problem'],
    advice: 'see [proof](#proof)',
  },
  'certificate should have been renewed': {
    levels: ['warn'],
    meaning: 'less than a fifth of its lifetime is left',
    fields: OF_A_LEAF,
    advice: SEE_TO_ISSUER,
  },
  'certificate ends soon': {
    levels: ['error'],
    meaning: 'less than a tenth of its lifetime is left',
    fields: OF_A_LEAF,
    advice: SEE_TO_ISSUER,
  },
  'certificate has ended': {
    levels: ['error'],
    meaning: 'it is served on, as there is no other',
    fields: OF_A_LEAF,
    advice: SEE_TO_ISSUER,
  },
  'wall clock jumped': {
    levels: ['warn'],
    meaning: 'by more than 5 s between two looks',
    fields: ['byMs'],
    advice: 'see [time](#time)',
  },
  'notice about certificates': {
    levels: ['warn'],
    meaning:
      'how folders or run directory are mounted is a trap, though all works today, or a bootstrap names a watched folder itself',
    fields: ['about', 'notice'],
    advice: 'see [how the folders are mounted](#how-the-folders-are-mounted)',
  },
} as const satisfies Readonly<Record<string, LogEvent>>;
