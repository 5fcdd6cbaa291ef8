/**
 * OpenMetrics 1.0 told in the Prometheus text format 0.0.4: its counters and info metrics have
 * other names in their heads than in their samples, its times are in seconds, and exemplars, units,
 * times of creation and the end mark do not exist there.
 */
import { METRIC_NAME } from './exposition-lines.ts';

/** Lines of the text format for one of OpenMetrics; what is no such line comes back as it is. */
export type Translate = (line: string) => readonly string[];

interface Head {
  readonly name: string;
  readonly type: string;
}

const HEAD = new RegExp(`^# (HELP|TYPE|UNIT) (${METRIC_NAME}) ?(.*)$`);
/** What is in it is for the reader of the text format to judge. */
const LABELS = String.raw`\{(?:[^"{}]|"[^"\\]*(?:\\.[^"\\]*)*")*\}`;
const SAMPLE = new RegExp(
  String.raw`^(${METRIC_NAME})(${LABELS})? ([^ ]+)(?: ([\d.eE+-]+))?(?: # ${LABELS} .*)?$`,
);

/** By type: what it is there, and what its samples are called beyond the name in the head. */
const TYPES: ReadonlyMap<string, { readonly type: string; readonly suffix: string }> = new Map([
  ['counter', { type: 'counter', suffix: '_total' }],
  ['gauge', { type: 'gauge', suffix: '' }],
  ['histogram', { type: 'histogram', suffix: '' }],
  ['summary', { type: 'summary', suffix: '' }],
  ['unknown', { type: 'untyped', suffix: '' }],
  ['info', { type: 'gauge', suffix: '_info' }],
  ['stateset', { type: 'gauge', suffix: '' }],
]);
const CREATED = '_created';
const HAVE_CREATED: ReadonlySet<string> = new Set(['counter', 'histogram', 'summary']);

/** To be given the lines of one page, one after the other. */
export function createTranslation(): Translate {
  let head: Head | undefined;
  /** Told before the type, and with it the name, is known. */
  let help: { readonly name: string; readonly text: string } | undefined;

  const onType = (typed: Head) => {
    const told = help?.name === typed.name ? [helpLine(typed, help.text)] : [];
    head = typed;
    help = undefined;
    return [...told, ...typeLine(typed)];
  };
  const onHelp = (name: string, text: string) => {
    if (head?.name === name) return [helpLine(head, text)];
    help = { name, text };
    return [];
  };
  return (line) => {
    if (!line.startsWith('#')) return translateSample(line, head);
    const [, kind, name = '', rest = ''] = HEAD.exec(line) ?? [];
    if (kind === 'TYPE') return onType({ name, type: rest });
    return kind === 'HELP' ? onHelp(name, rest) : [];
  };
}

function helpLine({ name, type }: Head, text: string): string {
  const unquoted = text.replaceAll(/\\(["\\n])/g, (whole, one) => (one === '"' ? '"' : whole));
  return `# HELP ${name}${TYPES.get(type)?.suffix ?? ''} ${unquoted}`;
}

/** None for a type that has no counterpart: its samples are untyped. */
function typeLine({ name, type }: Head): readonly string[] {
  const known = TYPES.get(type);
  return known === undefined ? [] : [`# TYPE ${name}${known.suffix} ${known.type}`];
}

function translateSample(line: string, head: Head | undefined): readonly string[] {
  const [, name, labels = '', value, timeSeconds] = SAMPLE.exec(line) ?? [];
  if (name === undefined) return [line];
  if (isTimeOfCreation(name, head)) return [];
  const timeMs = timeSeconds === undefined ? '' : ` ${Math.round(Number(timeSeconds) * 1_000)}`;
  return [`${name}${labels} ${value}${timeMs}`];
}

function isTimeOfCreation(name: string, head: Head | undefined): boolean {
  return head !== undefined && HAVE_CREATED.has(head.type) && name === head.name + CREATED;
}
