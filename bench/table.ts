/** The table a run ends with. */
import type { Figure } from './scenario.ts';

export interface ScenarioResult {
  readonly scenario: string;
  readonly figures: readonly Figure[];
}

const HEAD = ['scenario', 'figure', 'measured', 'bound', ''];

export function tableOf(results: readonly ScenarioResult[]): string {
  const rows = results.flatMap(({ scenario, figures }) =>
    figures.map((figure, index) => [
      index === 0 ? scenario : '',
      figure.name,
      figure.measured,
      figure.bound ?? '',
      verdictOf(figure),
    ]),
  );
  const widths = HEAD.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(HEAD), rule, ...rows.map(line)].join('\n');
}

function verdictOf(figure: Figure): string {
  if (!figure.isMet) return 'MISSED';
  return figure.bound === undefined ? '' : 'ok';
}
