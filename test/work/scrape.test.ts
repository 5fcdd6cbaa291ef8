import { describe, expect, test } from 'vitest';
import { AgentError } from '../../src/core/agent-error.ts';
import type { StreamedAnswer } from '../../src/ports.ts';
import { createScrape, type Scrape } from '../../src/work/scrape.ts';

const MIB = 1024 * 1024;
const AGENT = 'baton_ready 1\n';
const ENVOY = '# TYPE envoy_a counter\nenvoy_a{} 1\n';

interface Sources {
  /** What Envoy answers, or fails with. @default a page */
  readonly envoy?: StreamedAnswer | Error;
  /** @default there is none */
  readonly application?: StreamedAnswer | Error;
}

function scene({ envoy = answer([ENVOY]), application }: Sources = {}) {
  const counted: string[] = [];
  const asked: string[] = [];
  const reply = async (source: StreamedAnswer | Error) => {
    if (source instanceof Error) throw source;
    return source;
  };
  const scrape = createScrape({
    agentText: async () => AGENT,
    askEnvoy: (path, timeoutMs) => {
      asked.push(`${path} within ${timeoutMs}`);
      return reply(envoy);
    },
    application: application && { read: () => reply(application) },
    counts: {
      scrape: () => void counted.push('scrape'),
      failure: (source, reason) => void counted.push(`${source} ${reason}`),
      leftOut: (source, { invalid, clash }) => {
        if (invalid + clash > 0) counted.push(`${source} left out ${invalid}, ${clash}`);
      },
    },
  });
  return { scrape, counted, asked };
}

describe('a merged page', () => {
  test('has the agent first, then Envoy, the application last', async () => {
    const { scrape, counted, asked } = scene({ application: answer(['app 1\n', 'app2 2']) });

    expect(await read(scrape)).toBe(`${AGENT}${ENVOY}app 1\napp2 2\n`);
    expect(counted).toEqual(['scrape']);
    expect(asked).toEqual(['/stats/prometheus within 1000']);
  });

  test('asks Envoy for what was used alone when told to', async () => {
    const { scrape, asked } = scene();
    await read(scrape, true);

    expect(asked).toEqual(['/stats/prometheus?usedonly within 1000']);
  });

  test.each<[string, Sources, string]>([
    ['Envoy is down', { envoy: new AgentError('unreachable', '') }, 'envoy unreachable'],
    ['Envoy is late', { envoy: new AgentError('late', '') }, 'envoy late'],
    ['Envoy fails in an unknown way', { envoy: new Error('what?') }, 'envoy unreachable'],
    ['Envoy refuses', { envoy: answer(['Forbidden\n'], { status: 403 }) }, 'envoy status'],
  ])('goes without Envoy when %s', async (_, sources, reason) => {
    const { scrape, counted } = scene({ ...sources, application: answer(['app 1\n']) });

    expect(await read(scrape)).toBe(`${AGENT}app 1\n`);
    expect(counted).toEqual(['scrape', reason]);
  });

  test.each<[string, StreamedAnswer | Error, readonly string[]]>([
    ['is down', new AgentError('unreachable', ''), ['application unreachable']],
    ['has an error page', answer(['a 1\n'], { status: 500 }), ['application status']],
    ['leads elsewhere', answer([''], { status: 302 }), ['application status']],
    ['speaks HTML', answer(['<html>\n'], { contentType: 'text/html' }), ['application format']],
    [
      'speaks Protobuf',
      answer(['\n'], { contentType: 'application/vnd.google.protobuf; encoding=delimited' }),
      ['application format'],
    ],
    [
      'calls garbage metrics',
      answer(['<html>\n\u0000\u0001\n']),
      ['application format', 'application left out 2, 0'],
    ],
  ])('goes without the application when it %s', async (_, application, counts) => {
    const { scrape, counted } = scene({ application });

    expect(await read(scrape)).toBe(AGENT + ENVOY);
    expect(counted).toEqual(['scrape', ...counts]);
  });

  test('keeps the whole lines of a source that breaks off', async () => {
    const { scrape, counted } = scene({ application: answer(brokenOff(['a 1\nb ', '1\nc 1'])) });

    expect(await read(scrape)).toBe(`${AGENT}${ENVOY}a 1\nb 1\n`);
    expect(counted).toEqual(['scrape', 'application cutOff']);
  });

  test('keeps ten MiB of a source, and drops what is beyond', async () => {
    const line = `a ${'1'.repeat(30)}${' '.repeat(31)}\n`;
    const full = line.repeat((10 * MIB) / line.length);
    const most = scene({ application: answer([full]) });
    const more = scene({ application: answer([full, 'b 1\n']) });

    expect(full).toHaveLength(10 * MIB);
    const kept = await read(most.scrape);
    expect(most.counted).toEqual(['scrape']);
    expect(await read(more.scrape)).toBe(kept);
    expect(more.counted).toEqual(['scrape', 'application tooLong']);
  });

  test('is UTF-8, whatever a source sends', async () => {
    const { scrape } = scene({
      application: answer([
        Buffer.concat([Buffer.from('a{b="'), Buffer.from([0xff]), Buffer.from('é')]).subarray(0, 7),
        Buffer.concat([Buffer.from('é').subarray(1), Buffer.from('"} 1\n')]),
      ]),
    });

    expect(await read(scrape)).toBe(`${AGENT}${ENVOY}a{b="\ufffdé"} 1\n`);
  });

  test('speaks no OpenMetrics, whoever does', async () => {
    const contentType = 'application/OpenMetrics-Text; version=1.0.0; charset=utf-8';
    const text = '# TYPE a counter\na_total 1 # {t="x"} 1\n# EOF\n';
    const { scrape } = scene({ application: answer([text], { contentType }) });

    expect(await read(scrape)).toBe(`${AGENT}${ENVOY}# TYPE a_total counter\na_total 1\n`);
  });

  test('belongs to the agent first: nobody else tells of its metrics', async () => {
    const { scrape, counted } = scene({ application: answer([`${AGENT}a 1\n`]) });

    expect(await read(scrape)).toBe(`${AGENT}${ENVOY}a 1\n`);
    expect(counted).toContain('application left out 0, 1');
  });

  test('is made for four at once, and again as soon as one of them is gone', async () => {
    const { scrape } = scene();
    const begun = [1, 2, 3, 4].map(() => scrape(QUESTION)?.[Symbol.asyncIterator]());
    for (const one of begun) expect((await one?.next())?.done).toBe(false);

    expect(scrape(QUESTION)).toBeUndefined();
    await begun[0]?.return?.();
    expect(await read(scrape)).toBe(AGENT + ENVOY);
  });

  test('throws away what its reader did not wait for, and counts no failure', async () => {
    const envoy = answer([ENVOY, 'envoy_b 1\n']);
    const { scrape, counted } = scene({ envoy });
    const reader = scrape(QUESTION)?.[Symbol.asyncIterator]();
    await reader?.next();
    await reader?.next();
    await reader?.return?.();

    expect(envoy.isDiscarded()).toBe(true);
    expect(counted).toEqual(['scrape']);
  });

  test('leaves no answer unread behind that it could not use', async () => {
    const application = answer(['x'], { status: 404 });
    await read(scene({ application }).scrape);

    expect(application.isDiscarded()).toBe(true);
  });
});

const QUESTION = { timeoutMs: 1_000, isUsedOnly: false };

async function read(scrape: Scrape, isUsedOnly = false): Promise<string> {
  const page: Uint8Array[] = [];
  for await (const bytes of scrape({ ...QUESTION, isUsedOnly }) ?? []) page.push(bytes);
  return Buffer.concat(page).toString();
}

type Chunks = readonly (string | Buffer)[] | AsyncIterable<Buffer>;

function answer(
  chunks: Chunks,
  head: Partial<StreamedAnswer> = {},
): StreamedAnswer & { isDiscarded(): boolean } {
  let isDiscarded = false;
  return {
    status: 200,
    contentType: 'text/plain; version=0.0.4',
    ...head,
    chunks: Symbol.asyncIterator in chunks ? chunks : buffersOf(chunks),
    discard: () => {
      isDiscarded = true;
    },
    isDiscarded: () => isDiscarded,
  };
}

async function* buffersOf(chunks: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function* brokenOff(chunks: readonly string[]): AsyncGenerator<Buffer> {
  yield* buffersOf(chunks);
  throw new AgentError('cutOff', 'It broke off.');
}
