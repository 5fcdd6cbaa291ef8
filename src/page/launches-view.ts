/** The launches: a table, each row with its lane over time. */
import type { History, Lane } from '../core/history-model.ts';
import type { Stage } from '../core/model.ts';
import { type ClosedSpan, closedSpans } from '../core/spans.ts';
import type { LaunchStatus } from '../core/status.ts';
import { lengthText } from './duration-text.ts';
import { type Html, html } from './html.ts';
import { madeOnce } from './made-once.ts';
import type { Overview } from './overview.ts';
import { barOf, marksOf, percent, scaleFor } from './time-scale.ts';
import { type NowMs, since } from './times.ts';
import { CROSS } from './words.ts';

/** Older ones are folded away. */
const SHOWN_COUNT = 10;

const BARS: Readonly<Record<Stage, { readonly y: number; readonly height: number }>> = {
  starting: { y: 8, height: 6 },
  live: { y: 3, height: 16 },
  retiring: { y: 7, height: 8 },
  stopping: { y: 9, height: 4 },
};

export function launchesView({ history, status, atMs }: Overview, nowMs: NowMs): Html {
  const [shown] = partsOf(history);
  if (shown.length === 0) return html`<p>None yet.</p>`;
  const scale = { scaleMs: scaleOf(shown, atMs), nowMs };
  return html`${LEGEND}${laneTable(shown, status.launches, scale)}`;
}

export function olderLaunchesView({ history, atMs }: Overview, nowMs: NowMs): Html {
  const [, older] = partsOf(history);
  if (older.length === 0) return html``;
  const scaleMs = scaleOf(older, atMs);
  return nowMs === undefined
    ? timelessOlder(history, scaleMs)
    : olderOf(history, { scaleMs, nowMs });
}

const timelessOlder = madeOnce<History>((history, scaleMs = 0) =>
  olderOf(history, { scaleMs, nowMs: undefined }),
);

function olderOf(history: History, scale: Scale): Html {
  const [, older] = partsOf(history);
  const title = `${older.length} older launch${older.length === 1 ? '' : 'es'}`;
  return html`<details id="launches-before"><summary id="launches-before-summary">${title}</summary>${laneTable(older, [], scale)}</details>`;
}

function scaleOf(lanes: readonly Lane[], atMs: number): number {
  return scaleFor(atMs - Math.min(...lanes.map(({ startedAtMs }) => startedAtMs)));
}

/** The newest first: those that are always shown, and the others. */
function partsOf({ launches }: History): readonly [readonly Lane[], readonly Lane[]] {
  const newestFirst = launches.toReversed();
  const isShown = ({ end }: Lane, at: number) => end === undefined || at < SHOWN_COUNT;
  return [newestFirst.filter(isShown), newestFirst.filter((lane, at) => !isShown(lane, at))];
}

/** Which bar is which; the stages stand in the table as words. */
const LEGEND = html`<p class="legend" aria-hidden="true">${Object.keys(BARS).map(
  (stage) => html`<span class="${stage}">${stage}</span>`,
)}</p>`;

function laneTable(lanes: readonly Lane[], alive: readonly LaunchStatus[], scale: Scale): Html {
  const headings = ['Launch', 'Epoch', 'Mode', 'Stage', 'Connections'];
  return html`<table class="launches" role="table" aria-labelledby="launches-heading"><thead role="rowgroup"><tr role="row">${headings.map(
    (heading) => html`<th role="columnheader" scope="col">${heading}</th>`,
  )}<th role="columnheader" scope="col" class="over-time"><span>Over time, now at the right</span>${axis(scale.scaleMs)}</th></tr></thead><tbody role="rowgroup">${lanes.map(
    (lane) => rowOf(lane, alive, scale),
  )}</tbody></table>`;
}

interface Scale {
  readonly scaleMs: number;
  readonly nowMs: NowMs;
}

function rowOf(lane: Lane, alive: readonly LaunchStatus[], { scaleMs, nowMs }: Scale): Html {
  if (lane.end !== undefined && nowMs === undefined) return endedRow(lane, scaleMs);
  return row(
    lane,
    alive.find(({ id }) => id === lane.id),
    { scaleMs, nowMs },
  );
}

const endedRow = madeOnce<Lane>((lane, scaleMs = 0) =>
  row(lane, undefined, { scaleMs, nowMs: undefined }),
);

function row(lane: Lane, alive: LaunchStatus | undefined, scale: Scale): Html {
  const { id, epoch, lineage, mode, pid, connections, end } = lane;
  const isWorse = end?.isUnexpected === true;
  const left = end === undefined ? '' : ' left';
  return html`<tr role="row"${end !== undefined && html` class="ended"`}><th role="rowheader" scope="row">${id}</th><td role="cell" data-label="epoch">${epoch} <small>${lineage}</small></td><td role="cell" data-label="mode">${mode}</td><td role="cell" data-label="stage"${isWorse && html` class="bad"`}>${stageText(lane, alive, scale.nowMs)}${
    alive !== undefined && pid !== undefined && html` <small>pid ${pid}</small>`
  }</td><td role="cell" data-label="connections">${connections === undefined ? '–' : `${connections}${left}`}</td><td role="cell" class="over-time">${drawing(lane, scale)}<span class="unseen">${spokenStages(lane, scale.nowMs)}</span></td></tr>`;
}

function stageText(
  { end, stages, startedAtMs }: Lane,
  alive: LaunchStatus | undefined,
  nowMs: NowMs,
): Html {
  if (end !== undefined) {
    return html`${end.isUnexpected && html`<span aria-hidden="true">${CROSS} </span>`}${end.outcome}, ${since(end.atMs, nowMs)} ago`;
  }
  const current = stages.kept.at(-1);
  const said = alive?.envoyState === undefined ? '' : ` (${alive.envoyState})`;
  const silent = alive?.silentSeconds === undefined ? '' : `, silent for ${alive.silentSeconds} s`;
  return html`<b class="stage ${current?.name}">${current?.name}</b>${said}${silent} for ${since(current?.fromMs ?? startedAtMs, nowMs)}`;
}

/** Stages differ in height as well as in colour. */
function drawing({ stages, end }: Lane, { scaleMs, nowMs }: Scale): Html {
  const marks = marksOf(scaleMs).map(({ x }) => html`<line x1="${x}" x2="${x}" y1="0" y2="22"/>`);
  const bars = closedSpans(stages, Number.NaN).map((span) =>
    bar(span, end?.atMs, { scaleMs, nowMs }),
  );
  return html`<svg class="lane" data-scale="${scaleMs}" aria-hidden="true" focusable="false">${marks}${bars}</svg>`;
}

function bar(
  { name, fromMs, toMs }: ClosedSpan<Stage>,
  endMs: number | undefined,
  { scaleMs, nowMs }: Scale,
): Html {
  const untilMs = Number.isNaN(toMs) ? endMs : toMs;
  const { y, height } = BARS[name];
  const place =
    nowMs === undefined ? undefined : barOf(nowMs - fromMs, nowMs - (untilMs ?? nowMs), scaleMs);
  return html`<rect class="${name}" y="${y}" height="${height}" data-from="${Math.round(fromMs)}"${
    untilMs !== undefined && html` data-to="${Math.round(untilMs)}"`
  }${place && html` x="${place.x}" width="${place.width}"`}/>`;
}

/** What the drawing shows, for who does not see it. */
function spokenStages({ stages, end }: Lane, nowMs: NowMs): Html {
  const spans = closedSpans(stages, end?.atMs ?? Number.NaN);
  return html`${spans.map(({ name, fromMs, toMs }) =>
    Number.isNaN(toMs)
      ? html`${name} for ${since(fromMs, nowMs)}`
      : html`${name} ${lengthText(toMs - fromMs)}, `,
  )}`;
}

function axis(scaleMs: number): Html {
  const texts = marksOf(scaleMs).map(({ x, text }) => html`<text x="${x}" y="12">${text}</text>`);
  return html`<svg class="axis" aria-hidden="true" focusable="false">${texts}<text x="${percent(100)}" y="12" class="now">now</text></svg>`;
}
