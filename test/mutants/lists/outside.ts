import { mutantsOf } from '../mutant.ts';

export const ofSettle = mutantsOf('settle.ts', [
  [
    'a writer who never rests keeps a change unseen',
    'Math.min(hintAtMs + times.quietMs, firstHintAtMs + times.maxWaitMs)',
    'hintAtMs + times.quietMs',
  ],
  ['each hint is the first', 'settling?.firstHintAtMs ?? hintAtMs', 'hintAtMs'],
  ['a look is due before its hint', 'Math.max(dueAtMs, hintAtMs)', 'dueAtMs'],
]);

export const ofMakingRoom = mutantsOf('making-room.ts', [
  [
    'a crowd from one place costs the guests from others',
    'firstOfLargest([...guests], () => 1)',
    'firstOfLargest([...guests], () => 0)',
  ],
  [
    'who takes little memory gives way to who takes much',
    'firstOfLargest(heavy, ({ byteCount }) => byteCount)',
    'firstOfLargest(heavy, () => 1)',
  ],
  [
    'who waits goes before who is idle',
    "['idle', 'reading', 'waiting']",
    "['waiting', 'reading', 'idle']",
  ],
  ['one machine is as many parties as it has addresses', '.slice(0, 4)', ''],
]);

export const ofAppProbes = mutantsOf('app-probes.ts', [
  ['a probe asks itself in a circle', 'if (port === ownPort) return', 'if (false) return'],
  [
    'a probe of two kinds is one of the first',
    'if (kind === undefined || kinds.length > 1) {',
    'if (kind === undefined) {',
  ],
  [
    'a probe is waited for as long as it says',
    'Math.min(seconds, MOST_TIMEOUT_SECONDS) * 1_000',
    'seconds * 1_000',
  ],
]);

export const ofEnvoyLine = mutantsOf('envoy-line.ts', [
  ['a PEM block gets into the log', '|-----BEGIN |(?<=', '|(?<='],
  [
    'a configuration that is quoted over several lines gets into the log',
    "if (quote === 'none' && message?.endsWith(CONTENT_LEFT_OUT)) quote = 'open';",
    '',
  ],
  [
    'what follows a fatal reason gets into the log',
    "if (level === 'fatal' && message.includes(CONTENT_LEFT_OUT)) return 'ahead';",
    '',
  ],
  [
    'a record that nobody can mend gets into the log',
    "return { l: 'warning', m: CONTENT_LEFT_OUT };",
    'return undefined;',
  ],
]);

export const ofExpositionJudge = mutantsOf('exposition-judge.ts', [
  [
    'two sources tell the same metric',
    "if (family.source !== source) return 'clash';\n    family.hasSamples = true;",
    'family.hasSamples = true;',
  ],
  ['a type comes after its samples', 'family.hasType || family.hasSamples', 'family.hasType'],
  [
    'a bound that is no number costs the page',
    'isBounded && !saysNumberAs',
    'false && !saysNumberAs',
  ],
]);

export const ofPlainSamples = mutantsOf('plain-samples.ts', [
  [
    'a label that comes twice is plain',
    '(?=\\\\}|,(?!(?:[^\\\\n]*,)?\\\\${group}=))',
    '(?=\\\\}|,)',
  ],
  ['a bound that is no number is plain', '`${BOUND}([a-zA-Z]', '`([a-zA-Z]'],
  ['a run goes on under another name', '(?:\\1${restAs(4)}){', '(?:${NAME}${restAs(4)}){'],
  ['labels without end are compared', '{0,${MOST_LABELS - 1}}', '*'],
]);

export const ofVisible = mutantsOf('visible.ts', [
  ['a terminal writes backwards', '[\\p{Cc}\\u2028-\\u202e\\u2066-\\u2069]', '\\p{Cc}'],
]);
