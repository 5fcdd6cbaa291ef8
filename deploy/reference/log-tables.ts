/** The tables of docs/logs.md: every message of the agent's own log, by what it is about. */
import type { LogEvent } from '../../src/core/log-event.ts';
import { agentEvents } from '../../src/core/log-events-agent.ts';
import { certificateEvents } from '../../src/core/log-events-certificate.ts';
import { handoverEvents } from '../../src/core/log-events-handover.ts';
import { launchEvents } from '../../src/core/log-events-launch.ts';
import { markdownTable } from '../../test/faults/markdown-table.ts';

/** Says on which page of docs/ a heading is; it answers with a link to be put into docs/ itself. */
export type LinkTo = (anchor: string) => string;

const GROUPS: Readonly<Record<string, Readonly<Record<string, LogEvent>>>> = {
  'The agent': agentEvents,
  'What is to run, and handovers': handoverEvents,
  'One Envoy': launchEvents,
  Certificates: certificateEvents,
};

/** The messages know the headings they refer to and not the pages: `linkTo` does. */
export function logTables(linkTo: LinkTo): string {
  const blocks = Object.entries(GROUPS).flatMap(([title, events]) => [
    `## ${title}`,
    tableOf(events, linkTo),
  ]);
  return blocks.join('\n\n');
}

function tableOf(events: Readonly<Record<string, LogEvent>>, linkTo: LinkTo): string {
  const rows = Object.entries(events).map(
    ([message, { levels, meaning, fields = [], advice = '' }]) => [
      `\`${message}\``,
      levels.join(', '),
      linked(meaning, linkTo),
      fields.map((field) => `\`${field}\``).join(' '),
      linked(advice, linkTo),
    ],
  );
  return markdownTable(['message', 'level', 'when', 'fields', 'what to do'], rows);
}

function linked(text: string, linkTo: LinkTo): string {
  return text.replaceAll(/\]\(#([^)]+)\)/g, (_, anchor: string) => `](${linkTo(anchor)})`);
}
