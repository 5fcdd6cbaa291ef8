import { mutantsOf } from '../mutant.ts';

export const ofMemoryHeadroom = mutantsOf('memory-headroom.ts', [
  ['another binary brings no pages of its own', 'isSameBinary ? 0 : serving.fileBytes', '0'],
  ['the widest limit counts', 'Math.min(...groups', 'Math.max(...groups'],
  [
    'pages that the kernel would give up are taken',
    'limitBytes - (usedBytes - inactiveFileBytes)',
    'limitBytes - usedBytes',
  ],
]);

export const ofUnshareableListeners = mutantsOf('unshareable-listeners.ts', [
  [
    'a port is shared with one that does not share it',
    '!(one.reusesPort && other.reusesPort)',
    '!one.reusesPort',
  ],
  [
    'all addresses are beside one address',
    '(isAny || one.address === other.address)',
    'one.address === other.address',
  ],
  ['TCP is in the way of UDP', ' && one.protocol === other.protocol', ''],
  ['every unix socket is in the way of every other', ' && one.at.path === other.at.path', ''],
  [
    'what is not bound is in the way',
    "if (field(listener, 'bind_to_port') === false) return [];",
    '',
  ],
  [
    'only the first address of a listener is in the way',
    ", ...more.map((one) => field(one, 'address'))",
    '',
  ],
]);

export const ofFailureCause = mutantsOf('failure-cause.ts', [
  [
    'a machine without room for a process has no Envoy',
    "NO_BINARY.has(outcome.errno) ? 'noBinary' : 'unknown'",
    "'noBinary'",
  ],
  ['a port that is taken is not seen', 'lastLines.some((line) => BIND.test(line)) ?', 'false ?'],
]);

export const ofAttempts = mutantsOf('attempts.ts', [
  [
    'one that answered until it was killed was silent',
    'launch.isKilled === true && launch.envoyState === undefined',
    'launch.isKilled === true',
  ],
]);

export const ofConnections = mutantsOf('connections.ts', [
  [
    'not knowing is zero',
    'if (stats === undefined) return undefined;',
    'if (stats === undefined) return 0;',
  ],
  ["Envoy's own connections are clients", '!NEVER_COUNTED.test(listener) && ', ''],
  ['listeners that are to be ignored count', ' && !ignored.includes(listener)', ''],
]);

export const ofSharedMemoryLayout = mutantsOf('shared-memory-layout.ts', [
  [
    'memory of another size is written to',
    'if (statedSize !== BigInt(memory.length)) {',
    'if (false) {',
  ],
  [
    'memory of another version is written to',
    'if (version !== VERSION) return',
    'if (false) return',
  ],
  ['flags that nobody knows are cleared', 'if (flags === INITIALIZING) return', 'return'],
  ['the flags are where x86-64 has them', 'memory.length - FLAGS_BYTES', '104 - FLAGS_BYTES'],
]);

export const ofHotRestartNames = mutantsOf('hot-restart-names.ts', [
  ['one slot of three is not seen', 'const SLOTS = [0, 1, 2];', 'const SLOTS = [0, 1];'],
  ['what pads a name is part of it', '@([^@\\n]+)@*$', '@([^\\n]+)$'],
  ['everyone tries the same base ids', '(seed % range)', '0'],
]);

export const ofEnvoyArgsCheck = mutantsOf('envoy-args-check.ts', [
  ['the value of a flag is taken for a flag', 'if (takesValue) at += 1;', ''],
  ['what Baton gives itself may be given', 'if (reserved !== undefined) return reserved;', ''],
  ['a flag may be given twice', "(isRepeated ? 'it is given twice' : undefined)", 'undefined'],
  [
    'a value turns hot restart off',
    "argumentsOf(args).some(({ flag }) => flag === '--disable-hot-restart')",
    "args.includes('--disable-hot-restart')",
  ],
]);
