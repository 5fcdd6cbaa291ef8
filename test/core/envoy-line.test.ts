import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cutLines,
  ENVOY_LOG_FORMAT,
  MAX_LINE_LENGTH,
  readEnvoyLine,
} from '../../src/core/envoy-line.ts';

const line = (level: string) =>
  `{"t":"2026-01-02T03:04:05.678","l":"${level}","n":"main","s":"server.cc:412","p":7,"m":"a \\"b\\""}`;

describe("a line of Envoy's log", () => {
  it('is read as the format on the command line writes it', () => {
    expect(readEnvoyLine('stderr', line('info'))).toEqual({
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
    expect(readEnvoyLine('stderr', line(own)).level).toBe(level);
  });

  it.each(["cannot bind '0.0.0.0:80': Address already in use", '{"m":7}', '{', '[]', 'null', ''])(
    'is taken whole when it is no record: %j',
    (text) => {
      expect(readEnvoyLine('stderr', text)).toEqual({
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

describe('a line of an access log', () => {
  it('keeps the members of its JSON form', () => {
    expect(readEnvoyLine('stdout', '{"path":"/","code":200}')).toEqual({
      kind: 'access',
      level: 'info',
      message: 'request',
      request: { path: '/', code: 200 },
    });
  });

  it('is its own message in any other form', () => {
    const text = '[2026-01-02T03:04:05.678Z] "GET / HTTP/1.1" 200';
    expect(readEnvoyLine('stdout', text)).toEqual({ kind: 'access', level: 'info', message: text });
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
