/** What `baton settings` prints. */

import { EXIT } from '../core/model.ts';
import type { Result } from '../ports.ts';
import type { Origin } from '../settings/read-row.ts';
import { allRows, families, TEMPLATE_PREFIX } from '../settings/table.ts';
import type { Settings } from '../settings.ts';
import { type PrintingFace, refuse } from './printing.ts';

interface Line {
  readonly name: string;
  readonly value: string;
  /** `default`, `environment`, or the alias that gave it. */
  readonly origin: string;
  readonly default: string;
  readonly meaning: string;
}

/** Prints them; 78 with all problems when they are wrong. The Markdown table needs none of them. */
export async function showSettings(
  settings: Result<Settings>,
  format: 'table' | 'json' | 'markdown',
  face: PrintingFace,
): Promise<number> {
  if (format === 'markdown') face.print(renderSettingsMarkdown());
  else if (!settings.ok) return refuse(face, settings.problems);
  else face.print(renderSettings(settings.value, format === 'json' ? 'json' : 'text'));
  return EXIT.stopped;
}

/** As a table for people or, with `json`, as a list of objects; values of templates are not shown. */
export function renderSettings(settings: Settings, format: 'text' | 'json'): string {
  const lines = [...settingLines(settings), ...templateLines(settings)];
  return format === 'json'
    ? `${JSON.stringify(lines, undefined, 2)}\n`
    : textTable(lines.map(shortened));
}

/** The README's table: names, defaults, aliases and meanings, whatever the environment says. */
export function renderSettingsMarkdown(): string {
  const rows = allRows().map(([, row]) => [
    `\`${row.name}\``,
    row.standardText,
    row.alias === undefined ? '' : `\`${row.alias.name}\``,
    row.meaning,
  ]);
  const familyRows = families.map(({ name, meaning }) => [`\`${name}\``, '', '', meaning]);
  const head = [
    ['name', 'default', 'alias', 'meaning'],
    ['---', '---', '---', '---'],
  ];
  const written = [...head, ...rows, ...familyRows].map((cells) => `| ${cells.join(' | ')} |`);
  return `${written.join('\n')}\n`;
}

function settingLines(settings: Settings): readonly Line[] {
  return allRows().map(([key, row]) => ({
    name: row.name,
    value: row.form.show(settings[key]),
    origin: originText(settings.origins.get(key)),
    default: row.standardText,
    meaning: row.meaning,
  }));
}

function templateLines(settings: Settings): readonly Line[] {
  return [...settings.templateTexts.keys()].sort().map((name) => ({
    name: `${TEMPLATE_PREFIX}${name}`,
    value: '(not shown)',
    origin: 'environment',
    default: '',
    meaning: `the value of the bootstrap template's \${${name}}`,
  }));
}

function originText(origin: Origin | undefined): string {
  if (origin === undefined || origin.kind === 'default') return 'default';
  return origin.kind === 'alias' ? origin.name : 'environment';
}

/** A value may be long; the JSON has all of it. */
function shortened(line: Line): Line {
  return line.value.length > 60 ? { ...line, value: `${line.value.slice(0, 57)}...` } : line;
}

function textTable(lines: readonly Line[]): string {
  const head: Line = {
    name: 'NAME',
    value: 'VALUE',
    origin: 'ORIGIN',
    default: 'DEFAULT',
    meaning: 'MEANING',
  };
  const columns = ['name', 'value', 'origin', 'default'] as const;
  const widths = columns.map((column) =>
    Math.max(...[head, ...lines].map((line) => line[column].length)),
  );
  const written = [head, ...lines].map((line) => {
    const cells = columns.map((column, at) => line[column].padEnd(widths[at] ?? 0));
    return [...cells, line.meaning].join('  ').trimEnd();
  });
  return `${written.join('\n')}\n`;
}
