import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { LOG_EVENTS } from '../../src/core/log-events.ts';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';
import { unlistedFields } from '../support/listed-fields.ts';

const LINE = {
  time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  level: expect.stringMatching(/^(?:debug|info|warn|error|fatal)$/),
  source: expect.stringMatching(/^(?:baton|envoy|access)$/),
  msg: expect.stringMatching(/./s),
};
const OF_A_LAUNCH = { launch: expect.stringMatching(/^L\d+$/), epoch: expect.any(Number) };
/** The shortest way to the end of all hope. */
const NO_TOKENS = { BATON_RESTART_TOKENS: '0' };

let world: World;
let fake: FakeEnvoy | undefined;

afterEach(async () => {
  await world.close();
  expect(fake?.violations() ?? []).toEqual([]);
  fake?.remove();
  fake = undefined;
});

async function openFake(behaviours: readonly FakeBehaviour[] = []): Promise<void> {
  fake = createFakeEnvoy({ behaviours });
  world = await openWorld({ binary: fake.binary });
}

/** All that a run has printed, line by line, each in the one form. */
function linesOf(agent: RunningAgent): readonly Readonly<Record<string, unknown>>[] {
  const output = agent.stdout() + agent.stderr();
  expect(output.endsWith('\n')).toBe(true);
  const lines = output
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  for (const line of lines) {
    expect(line).toMatchObject(LINE);
    if (/^Envoy (?!s )/.test(String(line['msg'])) && line['source'] === 'baton')
      expect(line).toMatchObject(OF_A_LAUNCH);
    if (line['source'] !== 'baton') expect(line).toMatchObject(OF_A_LAUNCH);
    else expectListed(line);
  }
  return lines;
}

function expectListed(line: Readonly<Record<string, unknown>>): void {
  const { time: _time, level, source: _source, msg, ...fields } = line;
  const message = String(msg);
  expect(new Map(Object.entries(LOG_EVENTS)).get(message)?.levels, message).toContain(level);
  expect(unlistedFields(message, fields), message).toEqual([]);
}

async function endOf(agent: RunningAgent): Promise<number | null> {
  return (await agent.ended).code;
}

describe('every line is of one form', () => {
  test('from the start to a clean stop, with what Envoy and its clients have to say', async () => {
    world = await openWorld();
    await world.writeBootstrap({ accessLogPath: '/dev/stdout' });
    const agent = await world.startReadyAgent({ BATON_ENVOY_LOG_LEVEL: 'info' });
    await world.ask('/a%0a%1b[31m?"\\');
    agent.signal('SIGTERM');

    expect(await endOf(agent)).toBe(0);
    const lines = linesOf(agent);
    expect(lines[0]).toMatchObject({ msg: 'agent starts' });
    expect(lines.at(-1)).toMatchObject({ msg: 'agent stops', code: 0 });
    expect(new Set(lines.map(({ source }) => source))).toEqual(
      new Set(['baton', 'envoy', 'access']),
    );
  });

  test('when the settings are wrong, that of the form among them', async () => {
    await openFake();
    const agent = world.startAgent({
      BATON_LOG_FORMAT: 'jsno',
      BATON_LOG_LEVL: 'debug',
      BATON_CONCURRENCY: '\u001b[31mmany\n',
    });

    expect(await endOf(agent)).toBe(78);
    expect(linesOf(agent)).toMatchObject(
      ['BATON_CONCURRENCY', 'BATON_LOG_FORMAT', 'BATON_LOG_LEVL'].map((name) => {
        return { msg: 'agent gives up', code: 78, reason: expect.stringContaining(name) };
      }),
    );
  });

  test('when Envoy rejects its bootstrap', async () => {
    world = await openWorld();
    await writeFile(world.bootstrapPath, '{"static_resources": {"clusters": [{"name": {}}]}}');
    const agent = world.startAgent();

    expect(await endOf(agent)).toBe(78);
    expect(linesOf(agent).at(-1)).toMatchObject({ msg: 'agent gives up', code: 78 });
  });

  test('when Envoy crashes with a backtrace', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent(NO_TOKENS);
    for (const { pid } of world.envoys()) process.kill(pid, 'SIGSEGV');

    expect(await endOf(agent)).toBe(255);
    const lines = linesOf(agent);
    expect(lines).toContainEqual(
      expect.objectContaining({ source: 'envoy', msg: expect.stringMatching(/Backtrace/i) }),
    );
    expect(lines.at(-1)).toMatchObject({ msg: 'agent gives up', code: 255 });
  });

  test('when a stop is hastened and then cut short, each by its name', async () => {
    await openFake([{ ignoresSigterm: true }]);
    const agent = await world.startReadyAgent({ BATON_TERMINATION_DRAIN_MIN: '9s' });
    const asksUntil = (msg: string) =>
      agent.until(msg, () => {
        agent.signal('SIGTERM');
        return agent.records({ msg }).length > 0;
      });

    await asksUntil('stop hastened');
    await asksUntil('stop cut short');

    expect(await endOf(agent)).toBe(137);
    expect(linesOf(agent)).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: 'agent stops', code: 137 }),
    );
  });

  test('when the agent has a bug before it runs', async () => {
    await openFake();
    const agent = world.startAgent(onceHooked('unhandledRejection', 'throw new Error("early")'));

    expect(await endOf(agent)).toBe(70);
    expect(linesOf(agent)).toMatchObject([{ level: 'fatal', msg: 'bug', error: 'Error: early' }]);
  });

  test('when Node has something to say', async () => {
    await openFake();
    const agent = world.startAgent(onceHooked('warning', 'process.emitWarning("odd")'));
    await agent.untilReady();
    agent.signal('SIGTERM');

    expect(await endOf(agent)).toBe(0);
    expect(linesOf(agent)).toContainEqual(
      expect.objectContaining({ msg: 'runtime warning', reason: 'Warning: odd' }),
    );
  });
});

/** Has Node run a statement once the program listens for this event. */
function onceHooked(event: string, statement: string): Readonly<Record<string, string>> {
  const hook = `process.on("newListener",(n)=>{if(n===${JSON.stringify(event)}&&process.argv[1]?.endsWith("baton.mjs"))queueMicrotask(()=>{${statement}})})`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
}

describe('what an Envoy prints that is no line of text', () => {
  /** Prints these bytes, as octal escapes of printf, and ends. */
  async function runPrinting(octal: string): Promise<RunningAgent> {
    await openFake();
    const binary = join(world.folder, 'printing');
    await writeFile(binary, `#!/bin/sh\nprintf '${octal}' >&2\nexit 1\n`);
    await chmod(binary, 0o755);
    return world.startAgent({ ...NO_TOKENS, BATON_ENVOY_BINARY: binary });
  }

  test.each<[string, string, string]>([
    ['bytes that are no UTF-8', 'a\\377\\376b\\n', 'a\uFFFD\uFFFDb'],
    ['controls of a terminal', '\\033[2Ja\\302\\233b\\007\\n', '\u001b[2Ja\u009bb\u0007'],
    ['a last line without an end', 'first\\nlast', 'last'],
    ['the end of half a record', '{"t":"2026-01-01","l":"critical","m":"half', 'half'],
  ])('is a line of the log: %s', async (_, octal, message) => {
    const agent = await runPrinting(octal);

    expect(await endOf(agent)).toBe(78);
    const printed = linesOf(agent).filter(({ source }) => source === 'envoy');
    expect(printed.at(-1)).toMatchObject({ launch: 'L1', msg: message });
    for (const raw of ['\u001b', '\u009b', '\u0007']) expect(agent.stdout()).not.toContain(raw);
  });

  test('is cut when it is a megabyte without an end', async () => {
    await openFake([{ hugeLineBytes: 1_000_000, times: 1, end: { code: 1 } }]);
    const agent = world.startAgent(NO_TOKENS);

    expect(await endOf(agent)).toBe(255);
    const lengths = linesOf(agent).map((line) => JSON.stringify(line).length);
    expect(Math.max(...lengths)).toBeLessThan(20_000);
  });
});

test('an Envoy that says the same ten thousand times is quoted ten times, and counted', async () => {
  const prints = Array.from({ length: 10_000 }, (_, at) => `no healthy host at 10.0.0.${at}`);
  await openFake([{ prints }]);
  const agent = await world.startReadyAgent();
  await agent.until('the count of the others', async () => {
    const { body } = await world.ask('/metrics', world.statusPort);
    return body.includes('\nbaton_log_lines_left_out_total 9990\n');
  });
  agent.signal('SIGTERM');

  expect(await endOf(agent)).toBe(0);
  expect(agent.stdout().match(/"msg":"no healthy host/g)).toHaveLength(10);
  expect(agent.records({ msg: 'repeated lines left out' })).toMatchObject([
    { level: 'warn', count: 9_990, from: 'envoy', launch: 'L1' },
  ]);
});
