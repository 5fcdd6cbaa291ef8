import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dryRunText } from '../../src/commands/dry-run.ts';
import { restart } from '../../src/commands/restart.ts';
import { fakeAgentFace } from '../support/agent-face.ts';
import { type CommandTrial, tryCommand } from '../support/running-agent.ts';

const passed = {
  passed: true,
  problems: [],
  held: [],
  changes: [{ part: 'bootstrap', live: 'b1000000', next: 'b2000000' }],
  mode: 'hot',
  overlap: { startSeconds: 0.4, besideSeconds: 60 },
} as const;

describe('a dry run as text', () => {
  test('shows what a restart would do', () => {
    expect(dryRunText(passed)).toBe(
      `dry run        passed, nothing was changed
changes        bootstrap: b1000000 is LIVE, b2000000 is next
mode           hot
overlap        about 1 min: 400 ms to start, as the one that serves took, then 1 min until the old one is gone
`,
    );
  });

  test('shows everything that is wrong, and what a restart would take instead', () => {
    const problems = ['Cannot read it.', 'Cannot validate\nit.'];
    expect(dryRunText({ passed: false, problems, held: ['bootstrap'], changes: [] })).toBe(
      `dry run        failed, nothing was changed
problems       Cannot read it.
               Cannot validate it.
held           bootstrap: a restart now would take the last good state
`,
    );
  });

  test('shows what comes first, why it is not hot, and that nothing has changed', () => {
    const found = { ...passed, changes: [], first: 'H2 is retiring', mode: 'cold' } as const;
    const text = dryRunText({
      ...found,
      modeReason: 'two processes cannot share x',
      overlap: { startSeconds: 0.4, besideSeconds: 0 },
    });
    expect(text).toContain('changes        none: what is on disk is what is LIVE\n');
    expect(text).toContain('waits first    H2 is retiring\n');
    expect(text).toContain('mode           cold, because two processes cannot share x\n');
    expect(text).toContain(
      'overlap        none: nothing serves while the new Envoy starts (400 ms',
    );
  });
});

describe('a dry run', () => {
  let trial: CommandTrial;

  beforeEach(async () => {
    trial = await tryCommand();
  });

  afterEach(() => trial.end());

  const run = () => restart({ mode: 'cold', isDryRun: true, timeoutMs: 10_000 }, trial.face);

  test('exits with 0 when it passed', async () => {
    const agent = fakeAgentFace({ dryRun: passed });
    await trial.listen(agent);
    expect(await run()).toBe(0);
    expect(agent.asked).toEqual(['dry run cold']);
    expect(trial.printed()).toMatch(/^dry run +passed/);
  });

  test('exits with 1 when it failed', async () => {
    await trial.listen(fakeAgentFace({ dryRun: { ...passed, passed: false, problems: ['x'] } }));
    expect(await run()).toBe(1);
    expect(trial.printed()).toMatch(/^dry run +failed/);
  });

  test('exits with 1 while another one is under way', async () => {
    await trial.listen(fakeAgentFace());
    expect(await run()).toBe(1);
    expect(trial.complained()).toBe(
      'Cannot try a restart: the agent answered 429: Another dry run is under way; ask again later.\n',
    );
  });
});
