import { expect, test } from 'vitest';
import {
  renderSettings,
  renderSettingsMarkdown,
  showSettings,
} from '../../src/commands/settings.ts';
import { allRows } from '../../src/settings/table.ts';
import { readSettings } from '../../src/settings.ts';

const facts = {
  cpuCount: 2,
  envoyOnPath: undefined,
  isTerminal: false,
  hostName: 'host',
  runDirectory: '/run/baton',
};

function settingsOf(env: Readonly<Record<string, string>>) {
  const settings = readSettings(env, facts);
  if (!settings.ok) throw new Error(JSON.stringify(settings.problems));
  return settings.value;
}

const settings = settingsOf({
  BATON_DRAIN_TIME: '30s',
  ISTIO_CPU_LIMIT: '4',
  BATON_APP_READY_URL: 'http://user:canary@127.0.0.1/ready',
  BATON_TEMPLATE_TOKEN: 'canary',
});

test('the text has a line for each setting, with its value and where it came from', () => {
  const lines = renderSettings(settings, 'text').split('\n');

  expect(lines[0]).toMatch(/^NAME +VALUE +ORIGIN +DEFAULT +MEANING$/);
  expect(lines).toContainEqual(
    expect.stringMatching(/^BATON_DRAIN_TIME +30s +environment +45s +the /),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(/^BATON_CONCURRENCY +4 +ISTIO_CPU_LIMIT +CPU/),
  );
  expect(lines).toContainEqual(expect.stringMatching(/^BATON_JITTER +0s +default +0s +the /));
  expect(lines).toHaveLength(allRows().length + 3);
});

test('the JSON has the same as objects', () => {
  const lines = JSON.parse(renderSettings(settings, 'json'));

  expect(lines).toContainEqual({
    name: 'BATON_DRAIN_TIME',
    value: '30s',
    origin: 'environment',
    default: '45s',
    meaning: "the old launch's drain at a handover",
  });
});

test.each(['text', 'json'] as const)('no secret is shown as %s', (format) => {
  const shown = renderSettings(settings, format);

  expect(shown).toContain('http://...@127.0.0.1/ready');
  expect(shown).toContain('BATON_TEMPLATE_TOKEN');
  expect(shown).not.toContain('canary');
});

test('a long value is cut short in the text and whole in the JSON', () => {
  const folder = `/${'x'.repeat(300)}`;
  const long = settingsOf({ BATON_CERT_DIRS: folder });

  expect(renderSettings(long, 'text')).not.toContain(folder);
  expect(renderSettings(long, 'json')).toContain(folder);
});

test('the table for the README has every setting, whatever the environment says', () => {
  const lines = renderSettingsMarkdown().trimEnd().split('\n');

  expect(lines).toHaveLength(allRows().length + 4);
  expect(lines).toContain("| `BATON_DRAIN_TIME` | 45s |  | the old launch's drain at a handover |");
  expect(lines.every((line) => line.split(' | ').length === 4)).toBe(true);
});

async function shown(
  given: Parameters<typeof showSettings>[0],
  format: Parameters<typeof showSettings>[1],
) {
  const printed: string[] = [];
  const complained: string[] = [];
  const code = await showSettings(given, format, {
    print: (text) => void printed.push(text),
    complain: (text) => void complained.push(text),
  });
  return { code, printed: printed.join(''), complained: complained.join('') };
}

test.each([
  ['table', renderSettings(settings, 'text')],
  ['json', renderSettings(settings, 'json')],
  ['markdown', renderSettingsMarkdown()],
] as const)('the command prints them as %s', async (format, printed) => {
  expect(await shown({ ok: true, value: settings }, format)).toEqual({
    code: 0,
    printed,
    complained: '',
  });
});

test('the command ends with 78 and all problems when they are wrong, but for the README', async () => {
  const wrong = readSettings({ BATON_JITTER: 'soon', BATON_STATUS_PORT: '-1' }, facts);
  for (const format of ['table', 'json'] as const) {
    expect(await shown(wrong, format)).toEqual({
      code: 78,
      printed: '',
      complained: expect.stringMatching(
        /^baton: .*BATON_JITTER.*\nbaton: .*BATON_STATUS_PORT.*\n$/,
      ),
    });
  }
  expect(await shown(wrong, 'markdown')).toMatchObject({ code: 0, complained: '' });
});
