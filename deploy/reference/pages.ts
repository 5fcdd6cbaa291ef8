/** The pages of docs/ that have tables made from the source: metrics and log. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { logTables } from './log-tables.ts';
import { metricsTable } from './metrics-table.ts';

export interface Page {
  /** Its file's name in docs/. */
  readonly name: string;
  readonly text: string;
}

/** As they are to be. @param docs the folder docs/ with the pages as they are */
export async function referencePages(docs: string): Promise<readonly Page[]> {
  const textOf = (name: string) => readFileSync(path.join(docs, name), 'utf8');
  return [
    { name: 'metrics.md', text: withTable(textOf('metrics.md'), 'metrics', await metricsTable()) },
    { name: 'logs.md', text: withTable(textOf('logs.md'), 'log events', logTables(linksIn(docs))) },
  ];
}

/** The first page of its own kind is no answer: it has a heading for everything. */
const INDEX = 'operations.md';

function linksIn(docs: string): (anchor: string) => string {
  const pages = readdirSync(docs).filter((name) => name.endsWith('.md') && name !== INDEX);
  const homes = new Map(
    pages.flatMap((name) =>
      anchorsOf(readFileSync(path.join(docs, name), 'utf8')).map((anchor) => [anchor, name]),
    ),
  );
  return (anchor) => {
    const home = homes.get(anchor);
    if (home === undefined) throw new Error(`Cannot link to #${anchor}: no page has that heading.`);
    return `${home}#${anchor}`;
  };
}

/** As the usual renderers of Markdown name headings; what stands in blocks of code is none. */
export function anchorsOf(text: string): readonly string[] {
  const running = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return Array.from(running.matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

function withTable(page: string, mark: string, table: string): string {
  const between = new RegExp(`(<!-- ${mark} -->\\n)[\\s\\S]*?(\\n<!-- end of ${mark} -->)`);
  if (!between.test(page)) throw new Error(`Cannot find the place for the table of ${mark}.`);
  return page.replace(between, (_, begin: string, end: string) => `${begin}${table}${end}`);
}
