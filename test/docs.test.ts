/** The documentation names nothing that is not there, and leaves out nothing that has to be told. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { anchorsOf, referencePages } from '../deploy/reference/pages.ts';
import packageJson from '../package.json' with { type: 'json' };
import { createMetrics } from '../src/adapters/metrics.ts';
import type { Commands } from '../src/command-line/commands.ts';
import { runCommandLine } from '../src/command-line.ts';
import { AGENT_SIGNALS } from '../src/commands/run/signals.ts';
import { STATUS_TITLES } from '../src/commands/status-text.ts';
import { heldKinds } from '../src/core/certificate-verdict.ts';
import { LOG_EVENTS } from '../src/core/log-events.ts';
import { EXIT } from '../src/core/model.ts';
import { describeStopPlan } from '../src/core/stop-plan.ts';
import { allRows, TEMPLATE_PREFIX } from '../src/settings/table.ts';

const root = new URL('..', import.meta.url).pathname;
const files = ['README.md', ...filesBelow('docs').filter((name) => name.endsWith('.md'))];
const documents = files.map((name) => ({ name, text: readText(name) }));
const pages = new Map(documents.map(({ name, text }) => [name, text]));
const sources = filesBelow('src').filter((name) => name.endsWith('.ts'));

describe.for(documents)('$name', ({ name, text }) => {
  test('has links that lead somewhere', () => {
    const links = matches(text, /\]\(([^)\s]+)\)/g).filter((link) => !/^https?:/.test(link));

    expect(links.filter((link) => !leadsSomewhere(link, name))).toEqual([]);
  });

  test('names files that are there', () => {
    const paths = spansOf(text).flatMap((span) =>
      matches(span, /^((?:[\w.-]+\/)+[\w.-]*|[\w-]+\.(?:ts|mjs|yaml))$/g),
    );
    const isOurs = (file: string) => !/^(etc|dev|var|Cluster)\//.test(file);

    expect(paths.filter(isOurs).filter((file) => !isThere(file))).toEqual([]);
  });

  test('names functions that are there', () => {
    const code = sources.map(readText).join('\n');
    const functions = spansOf(text).flatMap((span) => matches(span, /^(\w+)\(\)$/g));
    const isDefined = (one: string) =>
      new RegExp(`function ${one}\\b|const ${one} =|^\\s+${one}\\(`, 'm').test(code);

    expect(functions.filter((one) => !isDefined(one))).toEqual([]);
  });

  test('names settings that are there', () => {
    const known = new Set(allRows().flatMap(([, { name, alias }]) => [name, alias?.name]));
    const templates = readText('bootstrap-templates/sidecar.yaml');
    const isKnown = (setting: string) =>
      known.has(setting) ||
      [...known].some((one) => setting.endsWith('_') && one?.startsWith(setting)) ||
      (setting.startsWith(TEMPLATE_PREFIX) &&
        (templates.includes(`\${${setting.slice(TEMPLATE_PREFIX.length)}`) ||
          text.includes(`\${${setting.slice(TEMPLATE_PREFIX.length)}`)));

    const named = matches(text, /\b(BATON_[A-Z_]+)/g).filter(
      (setting) => setting !== TEMPLATE_PREFIX,
    );

    expect(named.filter((setting) => !isKnown(setting))).toEqual([]);
  });

  test('names commands and options that are there', async () => {
    const calls = codeOf(text).flatMap((line) => matches(line, /\bbaton ([a-z]+[^#;]*)/g));
    const unknown: string[] = [];
    for (const call of calls) {
      const [command = '', ...words] = (call.split(' -- ')[0] ?? '').split(/[\s[\]]+/);
      const help = await helpOf(command);
      const options = words.filter((word) => word.startsWith('--') && word !== '--');
      if (!options.every((option) => help?.includes(option))) unknown.push(call);
    }

    expect(unknown).toEqual([]);
  });

  test('names metrics that are there', async () => {
    const known = await metricNames();
    const named = spansOf(text).flatMap((span) => matches(span, /^(baton_[a-z_]+)/g));

    expect(named.filter((metric) => !known.includes(metric))).toEqual([]);
  });
});

describe('the README', () => {
  test('has every command', async () => {
    const commands = matches((await helpOf('')) ?? '', /^ {2}([a-z]+)\b/gm);
    const rows = firstCells(sectionOf('README.md', 'Commands'));

    const told = rows.flatMap((cell) => matches(cell, /^`baton ([a-z]+)/g));
    expect(told.sort()).toEqual(commands.filter((name) => name !== 'help').sort());
  });

  test.for(['README.md', 'docs/operations.md'])('has every exit code, as %s does', (name) => {
    const codes = firstCells(sectionOf(name, 'Exit codes')).map(Number).filter(Number.isInteger);

    expect(codes).toEqual(Object.values(EXIT).sort((a, b) => a - b));
  });

  test('has every signal', () => {
    const told = firstCells(sectionOf('README.md', 'Signals')).join(' ');

    expect(AGENT_SIGNALS.filter((signal) => !told.includes(signal))).toEqual([]);
  });
});

describe('the pages for operators', () => {
  test('have the stop plan that the program shows for the default settings', () => {
    const standard = (name: string) =>
      allRows()
        .find(([, row]) => row.name === name)?.[1]
        .standard({
          cpuCount: 1,
          envoyOnPath: undefined,
          isTerminal: false,
          hostName: 'host',
          runDirectory: '/run',
        });
    const plan = describeStopPlan({
      terminationDelayMs: Number(standard('BATON_TERMINATION_DELAY')),
      terminationDrainMinMs: Number(standard('BATON_TERMINATION_DRAIN_MIN')),
      terminationDrainMaxMs: Number(standard('BATON_TERMINATION_DRAIN_MAX')),
    });

    const [shown] = matches(
      pages.get('docs/four-durations.md') ?? '',
      /<!-- stop plan -->\n```text\n([\s\S]*?)```/g,
    );
    expect(shown?.trim().split('\n')).toEqual(plan);
  });

  test('have every kind of hold', () => {
    const told = firstCells(sectionOf('docs/certificates.md', 'Held parts')).map(unquoted);

    expect(heldKinds.filter((kind) => !told.includes(kind))).toEqual([]);
  });

  test.for(['metrics.md', 'logs.md'])('%s is what "npm run reference:docs" makes', async (name) => {
    const made = await referencePages(path.join(root, 'docs'));

    expect(readText(`docs/${name}`)).toBe(made.find((page) => page.name === name)?.text);
  });

  test('have every message of the log', () => {
    const told = pages.get('docs/logs.md') ?? '';

    expect(Object.keys(LOG_EVENTS).filter((one) => !told.includes(`| \`${one}\` |`))).toEqual([]);
  });

  test('send nobody to a message that is not there', () => {
    const cells = tableRows(pages.get('docs/operations.md') ?? '').map(([, shown = '']) => shown);
    const lists = cells.flatMap((cell) =>
      matches(cell, /\blog ((?:(?:, | or |, then )?`[^`]+`)+)/g),
    );
    const named = lists.flatMap(spansOf);

    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((one) => !(one in LOG_EVENTS))).toEqual([]);
  });

  test('have every line of the status, and send nobody to one that is not there', () => {
    const told = firstCells(sectionOf('docs/status.md', 'Lines of baton status')).map(unquoted);
    const named = matches(pages.get('docs/operations.md') ?? '', /\bstatus `([^`]+)`/g);

    expect(told).toEqual(STATUS_TITLES);
    expect(named.filter((one) => !STATUS_TITLES.includes(one))).toEqual([]);
  });

  test('have every alert', () => {
    const alerts = matches(readText('deploy/alert-rules.yaml'), /- alert: (\w+)/g);
    const told = sectionOf('docs/metrics.md', 'Alerts and dashboard');

    expect(alerts).not.toEqual([]);
    expect(alerts.filter((alert) => !told.includes(`\`${alert}\``))).toEqual([]);
  });

  test('can all be found from the first one', () => {
    const linked = new Set(matches(pages.get('docs/operations.md') ?? '', /\]\(([\w-]+\.md)/g));
    const forOperators = files
      .filter((name) => /^docs\//.test(name))
      .map((name) => path.basename(name));
    const others = ['operations.md', 'architecture.md', 'migrating.md', 'performance.md'];

    expect(forOperators.filter((name) => !others.includes(name) && !linked.has(name))).toEqual([]);
  });
});

describe('the architecture page', () => {
  const rows = tableRows(sectionOf('docs/architecture.md', 'Libraries'));

  test('has a line for every runtime dependency', () => {
    const told = rows.map(([library = '']) => unquoted(library));

    expect(told.sort()).toEqual(Object.keys(packageJson.dependencies).sort());
  });

  test('says which files import each of them', () => {
    for (const [library = '', , , importers = ''] of rows) {
      const imported = new RegExp(`(?:from|import\\() ?'${unquoted(library)}'`);
      const importing = sources.filter((source) => imported.test(readText(source)));

      const told = matches(importers, /`([^`]+)`/g).map((file) => `src/${file}`);
      expect(importing.sort(), library).toEqual(told.sort());
    }
  });
});

function readText(name: string): string {
  return readFileSync(path.join(root, name), 'utf8');
}

function filesBelow(folder: string): string[] {
  const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.map((name) => path.join(folder, name));
}

/** What the first group of a global pattern stands for, at each place where it matches. */
function matches(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ([, group = '']) => group);
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '');
}

/** What stands between backticks in the running text. */
function spansOf(text: string): string[] {
  return matches(withoutBlocks(text), /`([^`\n]+)`/g);
}

/** Lines a reader may type: those between backticks and those of shell blocks. */
function codeOf(text: string): string[] {
  const blocks = matches(text, /^```sh\n([\s\S]*?)^```$/gm);
  return [...spansOf(text), ...blocks.flatMap((block) => block.split('\n'))];
}

function leadsSomewhere(link: string, from: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? from : path.join(path.dirname(from), file);
  if (!existsSync(path.join(root, target))) return false;
  return anchor === undefined || anchorsOf(readText(target)).includes(anchor);
}

/** A path may be given below `src/` or below the root; some name what only exists at run time. */
function isThere(file: string): boolean {
  const isMadeLater = /^(\.envoy|dist|certs|node_modules)\//.test(file);
  return isMadeLater || ['', 'src'].some((folder) => existsSync(path.join(root, folder, file)));
}

/** The text under a heading of the second level. */
function sectionOf(page: string, heading: string): string {
  const [, after = ''] = (pages.get(page) ?? '').split(`\n## ${heading}\n`);
  return after.split(/^## /m)[0] ?? '';
}

/** Of all tables in the text, without their heads. */
function tableRows(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  return lines
    .filter((line, at) => !/^\|[-| ]+$/.test(line) && !/^\|[-| ]+$/.test(lines[at + 1] ?? ''))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

function firstCells(text: string): string[] {
  return tableRows(text).map(([first = '']) => first);
}

function unquoted(cell: string): string {
  return cell.replaceAll('`', '');
}

/** What `--help` prints; undefined when there is no such command. */
async function helpOf(command: string): Promise<string | undefined> {
  let printed = '';
  const print = (text: string) => {
    printed += text;
  };
  const words = command === '' ? ['--help'] : [command, '--help'];
  const none = new Proxy({} as Commands, { get: () => async () => 0 });
  const code = await runCommandLine(words, none, { print, complain: () => {} });
  return code === EXIT.stopped ? printed : undefined;
}

async function metricNames(): Promise<string[]> {
  const metrics = await createMetrics({
    policy: { restartTokens: 1, standby: false, triggers: new Set() },
    batonVersion: '0',
    nodeVersion: '0',
    startedAtWallMs: 0,
    nowMs: () => 0,
  });
  return matches(await metrics.text(), /^# TYPE (\S+)/gm);
}
