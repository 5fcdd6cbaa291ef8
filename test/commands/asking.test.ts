import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AskingFace, unansweredText } from '../../src/commands/asking.ts';
import { dryRun } from '../../src/commands/dry-run.ts';
import { showHistory } from '../../src/commands/history.ts';
import { changeLogging } from '../../src/commands/logging.ts';
import { quit } from '../../src/commands/quit.ts';
import { requestAdmin } from '../../src/commands/request.ts';
import { restart } from '../../src/commands/restart.ts';
import { showStatus } from '../../src/commands/status.ts';
import { fakeAgentFace, unaskedApplication } from '../support/agent-face.ts';
import { stateAfter } from '../support/agent-states.ts';
import { type CommandTrial, tryCommand } from '../support/running-agent.ts';

let trial: CommandTrial;

beforeEach(async () => {
  trial = await tryCommand();
});

afterEach(() => trial.end());

const restartNow = (face: AskingFace) =>
  restart({ mode: 'auto', isDryRun: false, timeoutMs: 10_000 }, face);

describe('a command that asks an agent', () => {
  test.each([
    ['status', (face: AskingFace) => showStatus({ json: false }, face)],
    ['restart', restartNow],
    [
      'restart --dry-run',
      (face: AskingFace) => restart({ mode: 'auto', isDryRun: true, timeoutMs: 10_000 }, face),
    ],
    ['logging', (face: AskingFace) => changeLogging({ level: 'debug', forMs: undefined }, face)],
    ['history', (face: AskingFace) => showHistory({ json: false }, face)],
    ['quit', quit],
    ['request', (face: AskingFace) => requestAdmin({ method: 'GET', path: '/ready' }, face)],
  ])(
    '%s exits with 69 and names the socket and BATON_RUN_DIR when there is none',
    async (_, command) => {
      expect(await command(trial.face)).toBe(69);
      expect(trial.complained()).toBe(
        `Cannot reach an agent at ${trial.face.control.socketPath}: there is no such socket. ` +
          'Start one by `baton run`, or set BATON_RUN_DIR to the run directory of the one that runs.\n',
      );
      expect(trial.printed()).toBe('');
    },
  );

  test('tells whose the agent is when it may not be asked', () => {
    const denied = { kind: 'noAgent', reason: 'permission denied', isDenied: true } as const;
    expect(unansweredText(denied, trial.face)).toMatch(
      /: permission denied\. Ask as the user that the agent runs as, or as root\.$/,
    );
  });

  test.each([
    ['status', (face: AskingFace) => showStatus({ json: false }, face)],
    ['history', (face: AskingFace) => showHistory({ json: false }, face)],
    ['restart', restartNow],
    ['restart --dry-run', (face: AskingFace) => dryRun({ mode: 'auto', timeoutMs: 10_000 }, face)],
  ])('%s exits with 1 when the agent is of another version', async (_, command) => {
    for (const body of ['not found\n', '{"a": 1']) {
      const status = body.startsWith('{') ? 200 : 404;
      const face = { ...trial.face, control: answering(status, body) };
      expect(await command(face)).toBe(1);
      expect(trial.complained()).toMatch(
        new RegExp(`answered ${status}, so it is of another version\\. Use the baton that`),
      );
    }
  });
});

test('a command that finds no agent tells of a setting whose name is none', async () => {
  const misled = await tryCommand({ BATON_RUNDIR: '/elsewhere', BATON_RUN_DIR: '/x' });
  expect(await showStatus({ json: false }, misled.face)).toBe(69);
  expect(misled.complained()).toMatch(
    /directory of the one that runs\. Cannot use BATON_RUNDIR: no setting has this name\. Did you mean BATON_RUN_DIR\?\n$/,
  );
  await misled.end();
});
function answering(status: number, body: string): AskingFace['control'] {
  const answer = async () => ({ kind: 'answered', status, body: Buffer.from(body) }) as const;
  return { ...trial.face.control, ask: answer, follow: answer };
}

describe('status', () => {
  test('exits with 0 and shows the page when ready', async () => {
    await trial.listen(fakeAgentFace());
    expect(await showStatus({ json: false }, trial.face)).toBe(0);
    expect(trial.printed()).toMatch(/^ready +yes\n/);
  });

  test('exits with 1 and shows the reason when not ready', async () => {
    await trial.listen(fakeAgentFace({ state: stateAfter([]) }));
    expect(await showStatus({ json: false }, trial.face)).toBe(1);
    expect(trial.printed()).toMatch(/^ready +no, waiting: /);
  });

  test('exits with 1 when the application is not ready, as a probe would be told', async () => {
    const down = { ready: false, reason: 'it answers 503' } as const;
    const application = { ...unaskedApplication, readiness: async () => down, known: () => down };
    await trial.listen(fakeAgentFace({ application }));
    expect(await showStatus({ json: false }, trial.face)).toBe(1);
    expect(trial.printed()).toMatch(/^ready +no, application not ready: it answers 503\n/);
  });

  test('prints the answer as JSON when asked to', async () => {
    await trial.listen(fakeAgentFace());
    expect(await showStatus({ json: true }, trial.face)).toBe(0);
    expect(JSON.parse(trial.printed())).toMatchObject({ phase: 'running', ready: true });
  });
});

describe('quit', () => {
  test('asks for a stop without a drain', async () => {
    const agent = fakeAgentFace();
    await trial.listen(agent);
    expect(await quit(trial.face)).toBe(0);
    expect(agent.asked).toEqual(['stop now']);
  });

  test('exits with 0 when the agent is gone before it could answer', async () => {
    const control = {
      ...trial.face.control,
      ask: async () => ({ kind: 'lost', reason: 'ECONNRESET' }) as const,
    };
    expect(await quit({ ...trial.face, control })).toBe(0);
  });

  test('exits with 1 when the agent could not take the order', async () => {
    const requestStop = () => {
      throw new Error('a bug');
    };
    await trial.listen({ ...fakeAgentFace(), requestStop });
    expect(await quit(trial.face)).toBe(1);
    expect(trial.complained()).toMatch(/^Cannot stop the agent: the agent answered 500/);
  });
});

describe('request', () => {
  const body = Buffer.from([0xff, 0x00, 0x0a]);

  test('prints the body of the answer unchanged and exits with 0 for 2xx', async () => {
    const agent = fakeAgentFace({ admin: { status: 206, headers: {}, body } });
    await trial.listen(agent);
    const printed: (string | Buffer)[] = [];
    const face = { ...trial.face, print: (text: string | Buffer) => void printed.push(text) };
    expect(await requestAdmin({ method: 'get', path: 'stats?filter=a b' }, face)).toBe(0);
    expect(agent.asked).toEqual(['admin GET /stats?filter=a%20b']);
    expect(printed).toEqual([body]);
  });

  test.each([
    [
      'Envoy says no',
      { admin: { status: 404, headers: {}, body: Buffer.from('no\n') } },
      'no\n',
      404,
    ],
    ['nothing serves', {}, 'Cannot ask Envoy: none is serving.\n', 503],
  ])('prints the answer and exits with 1 when %s', async (_, answers, printed, status) => {
    await trial.listen(fakeAgentFace(answers));
    expect(await requestAdmin({ method: 'POST', path: '/nothing' }, trial.face)).toBe(1);
    expect(trial.printed()).toBe(printed);
    expect(trial.complained()).toBe(`The answer to POST /nothing was ${status}.\n`);
  });
});
