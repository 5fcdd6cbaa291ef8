import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  CONTENT_LEFT_OUT,
  createLineReader,
  cutLines,
  ENVOY_LOG_FORMAT,
  MAX_LINE_LENGTH,
} from '../../src/core/envoy-line.ts';

const line = (level: string) =>
  `{"t":"2026-01-02T03:04:05.678","l":"${level}","n":"main","s":"server.cc:412","p":7,"m":"a \\"b\\""}`;

const read = (stream: 'stdout' | 'stderr', text: string) => createLineReader(stream)(text);

describe("a line of Envoy's log", () => {
  it('is read as the format on the command line writes it', () => {
    expect(read('stderr', line('info'))).toEqual({
      kind: 'log',
      level: 'info',
      message: 'a "b"',
      component: 'main',
      origin: 'server.cc:412',
    });
  });

  it.each([
    ['trace', 'trace'],
    ['debug', 'debug'],
    ['info', 'info'],
    ['warning', 'warn'],
    ['error', 'error'],
    ['critical', 'fatal'],
    ['off', 'info'],
  ])('of level %s is a record of level %s', (own, level) => {
    expect(read('stderr', line(own))?.level).toBe(level);
  });

  it.each(["cannot bind '0.0.0.0:80': Address already in use", '{"m":7}', '{', '[]', 'null', ''])(
    'is taken whole when it is no record: %j',
    (text) => {
      expect(read('stderr', text)).toEqual({
        kind: 'plain',
        level: 'warn',
        message: text,
      });
    },
  );

  it('asks for the members that are read', () => {
    const sample = ENVOY_LOG_FORMAT.replace('%P', '1');
    expect(Object.keys(JSON.parse(sample))).toEqual(['t', 'l', 'n', 's', 'p', 'm']);
  });
});

const KEY = '-----BEGIN PRIVATE KEY-----';
const UNPARSED =
  "Unable to parse JSON as proto (INVALID_ARGUMENT: invalid JSON in envoy.config.bootstrap.v3.Bootstrap @ static_resources.secrets[0].tls_certificate.private_key: message envoy.config.core.v3.DataSource, near 1:212 (offset 211): unexpected character: '\"'; expected '{'): ";
const CONSTRAINT =
  'Proto constraint validation failed (TcpProxyValidationError.StatPrefix: value length must be at least 1 characters)';
const INITIALIZING = "initializing config 'goo.gle/debugproto  \n  envoy-rev0.json'";

function record(level: string, message: string): string {
  const s = 'source/server/server.cc:449';
  return JSON.stringify({ t: '2026-01-02T03:04:05.678', l: level, n: 'main', s, p: 7, m: message });
}

/** The messages of what a process prints on standard error. */
function messagesOf(texts: readonly string[]): readonly (string | undefined)[] {
  return texts.map(createLineReader('stderr')).map((read) => read?.message);
}

describe('configuration that Envoy quotes', () => {
  const left = CONTENT_LEFT_OUT;

  // As Envoy 1.40 and, where it says so, 1.36 print them.
  test.each<readonly [string, string, string]>([
    [
      'JSON of a wrong form',
      `error initializing configuration 'a.json': ${UNPARSED}{"node": {"key": "secret"}}`,
      `error initializing configuration 'a.json': ${UNPARSED}${left}`,
    ],
    [
      'JSON of a wrong form at a start',
      `error \`${UNPARSED}{\n "key": "secret"}\` ${INITIALIZING}`,
      `error \`${UNPARSED}${left}\` initializing config`,
    ],
    [
      'a message with a forbidden value',
      `error initializing configuration 'a.json': goo.gle/debugstr   \ncluster: "secret"\n: ${CONSTRAINT}`,
      `error initializing configuration 'a.json': ${left}: ${CONSTRAINT}`,
    ],
    [
      'a message with a forbidden value at a start',
      `error \`goo.gle/debugonly  \nnode {\n  id: "secret"\n}\n: ${CONSTRAINT}\` ${INITIALIZING}`,
      `error \`${left}: ${CONSTRAINT}\` initializing config`,
    ],
    [
      'a message with a forbidden value (1.36)',
      `error \`node {\n  id: "secret"\n}\n: ${CONSTRAINT}\` initializing config '  a.json'`,
      `error \`${left}: ${CONSTRAINT}\` initializing config`,
    ],
    [
      'a message of one field (1.36)',
      'Invalid duration: Expected positive duration: inline_string: "secret \\" "\n',
      `Invalid duration: Expected positive duration: ${left}`,
    ],
    [
      'a message after its reason',
      'Invalid duration: Expected positive duration: goo.gle/debugstr   \nseconds: -1\n',
      `Invalid duration: Expected positive duration: ${left}`,
    ],
    [
      'what is no number',
      "Unable to parse JSON as proto (INVALID_ARGUMENT: port_value: uint32, near 1:4 (offset 3): invalid   number: 'secret'): {}",
      `Unable to parse JSON as proto (INVALID_ARGUMENT: port_value: uint32, near 1:4 (offset 3): invalid   number: ${left}`,
    ],
    [
      'what is no object',
      "error initializing configuration 'a.yaml': Unable to convert YAML as JSON: just a secret\n",
      `error initializing configuration 'a.yaml': Unable to convert YAML as JSON: ${left}`,
    ],
    ['a key', `no good: ${KEY}\nsecret`, `no good: ${left}`],
    ['any other JSON', 'no good: { "a": "secret" }', `no good: ${left}`],
  ])('is left out: %s', (_, printed, message) => {
    expect(messagesOf([record('critical', printed)])).toEqual([message]);
  });

  test.each<readonly [string, string, string]>([
    ['info', 'runtime: layers:\n  - name: x\n    a: secret', `runtime: layers:${left}`],
    ['warning', `config rejected: goo.gle/debugstr \na: "b"\n: ${CONSTRAINT}`, 'config rejected: '],
    ['debug', `update goo.gle/debugstr \na: "secret"`, `update ${left}`],
  ])('is left out at level %s too', (level, printed, message) => {
    const [read] = messagesOf([record(level, printed)]);
    expect(read?.startsWith(message)).toBe(true);
    expect(read).toContain(left);
  });

  test.each([
    ['debug', "request headers complete:\n':path', '/'\n':method', 'GET'"],
    ['info', 'script log: {"a":1}'],
    ['critical', "error initializing configuration 'a.json': duplicate cluster 'a'"],
    [
      'critical',
      "Protobuf message (type envoy.config.bootstrap.v3.Bootstrap reason INVALID_ARGUMENT: unknown enum value: 'NOPE') has unknown fields",
    ],
  ])('is not seen in what is none, at level %s: %j', (level, message) => {
    expect(messagesOf([record(level, message)])).toEqual([message]);
  });

  test('is left out of a record that lost its end, wherever it was cut', () => {
    const text = record('critical', `${UNPARSED}{"node": "${'secret\n\\ö\u0001"'.repeat(9)}`);
    const begin = text.indexOf('{\\"node') + 1;
    for (let length = begin; length < text.length; length += 1)
      expect(messagesOf([text.slice(0, length)])).toEqual([UNPARSED + left]);
    expect(messagesOf(['{"t":"2026", "key": "secret'])).toEqual([left]);
  });

  test('is left out of the plain lines that repeat a fatal record', () => {
    const json = [`${UNPARSED}{`, ' "key": "secret",', ' "a": {}', '{"m":"secret"}', '}'];
    const printed = [
      record('critical', `error \`${json.join('\n')}\` ${INITIALIZING}`),
      record('info', 'exiting'),
      ...json.slice(0, 2),
      record('info', 'from another thread'),
      ...json.slice(2),
    ];
    expect(messagesOf(printed).filter((message) => message !== undefined)).toEqual([
      `error \`${UNPARSED}${left}\` initializing config`,
      'exiting',
      UNPARSED + left,
      'from another thread',
    ]);
  });

  test.each([
    ['1.40', ['goo.gle/debugproto  ', 'inline_string: "secret"', 'node {', '}']],
    ['1.36', ['inline_string: "secret"', 'node {', '  id: "secret"', '}']],
  ])('leaves the reason as the last line, as Envoy %s prints it', (_, dump) => {
    const reason = `${[...dump, ''].join('\n')}: ${CONSTRAINT}`;
    const printed = [
      record('critical', `error \`${reason}\` ${INITIALIZING}`),
      record('info', 'exiting'),
      ...reason.split('\n'),
    ];
    expect(messagesOf(printed).filter((message) => message !== undefined)).toEqual([
      `error \`${left}: ${CONSTRAINT}\` initializing config`,
      'exiting',
      CONSTRAINT,
    ]);
  });

  test('is left out of plain lines without a record before, up to the next one', () => {
    const bind = "cannot bind '127.0.0.1:80': Address already in use";
    expect(
      messagesOf(['node {', ' id: "secret"', bind, '}', record('info', 'next'), 'plain']),
    ).toEqual([left, undefined, bind, undefined, 'next', 'plain']);
  });

  test('is none where a port is taken: its reason is the last line', () => {
    const bind = "cannot bind '127.0.0.1:80': Address already in use";
    const printed = [record('critical', `error \`${bind}\` ${INITIALIZING}`), bind];
    expect(messagesOf(printed)).toEqual([`error \`${bind}\` initializing config`, bind]);
  });
});

describe('a line of an access log', () => {
  it('keeps the members of its JSON form', () => {
    expect(read('stdout', '{"path":"/","code":200}')).toEqual({
      kind: 'access',
      level: 'info',
      message: 'request',
      request: { path: '/', code: 200 },
    });
  });

  it('is its own message in any other form', () => {
    const text = '[2026-01-02T03:04:05.678Z] "GET / HTTP/1.1" 200';
    expect(read('stdout', text)).toEqual({ kind: 'access', level: 'info', message: text });
  });
});

describe('cutting into lines', () => {
  it.each<[string, string, readonly string[], string]>([
    ['', 'a\nb\n', ['a', 'b'], ''],
    ['a', 'b\nc', ['ab'], 'c'],
    ['', 'a', [], 'a'],
    ['a', '', [], 'a'],
    ['', '\n\n', [], ''],
  ])('of %j and %j gives %j', (leftOver, text, lines, rest) => {
    expect(cutLines(leftOver, text)).toEqual({ lines, leftOver: rest });
  });

  it('drops the end of a line that is too long, however it arrives', () => {
    const piece = 'x'.repeat(10_000);
    let leftOver = '';
    for (let count = 0; count < 5; count += 1) {
      ({ leftOver } = cutLines(leftOver, piece));
      expect(leftOver.length).toBeLessThanOrEqual(MAX_LINE_LENGTH);
    }
    expect(cutLines(leftOver, '\nnext\n').lines).toEqual(['x'.repeat(MAX_LINE_LENGTH), 'next']);
  });

  it('loses nothing wherever the chunks are cut', () => {
    const chunks = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n') }), {
      size: 'max',
      maxLength: 40,
    });
    fc.assert(
      fc.property(chunks, (texts) => {
        const lines: string[] = [];
        let leftOver = '';
        for (const text of texts) {
          const cut = cutLines(leftOver, text);
          lines.push(...cut.lines);
          ({ leftOver } = cut);
        }
        const whole = texts.join('').split('\n');
        expect(leftOver).toBe(whole.at(-1));
        expect(lines).toEqual(whole.slice(0, -1).filter((text) => text !== ''));
      }),
    );
  });
});
