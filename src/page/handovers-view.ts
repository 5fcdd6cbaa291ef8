/** The last handovers, the newest first, each with its steps and what failed on the way. */
import type { History, PastHandover } from '../core/history-model.ts';
import { isoTime } from '../core/iso-time.ts';
import { type ClosedSpan, closedSpans } from '../core/spans.ts';
import type { HandoverStep } from '../core/state.ts';
import { lengthText } from './duration-text.ts';
import { type Html, html } from './html.ts';
import { madeOnce } from './made-once.ts';
import type { Overview } from './overview.ts';
import { type NowMs, since } from './times.ts';
import { plural, spaced, toneOf } from './words.ts';

/** Older ones are folded away. */
const SHOWN_COUNT = 8;
/** Of more steps those of a kind are added up. */
const MOST_STEPS = 8;

export function handoversView({ history }: Overview, nowMs: NowMs): Html {
  const shown = history.handovers.toReversed().slice(0, SHOWN_COUNT);
  return shown.length === 0 ? html`<p>None yet.</p>` : list(shown, nowMs);
}

export function olderHandoversView({ history }: Overview, nowMs: NowMs): Html {
  return nowMs === undefined ? timelessOlder(history, nowMs) : olderOf(history, nowMs);
}

const timelessOlder = madeOnce<History>((history) => olderOf(history, undefined));

function olderOf({ handovers }: History, nowMs: NowMs): Html {
  const older = handovers.toReversed().slice(SHOWN_COUNT);
  if (older.length === 0) return html``;
  return html`<details id="handovers-before"><summary id="handovers-before-summary">${plural(older.length, 'older handover')}</summary>${list(older, nowMs)}</details>`;
}

function list(handovers: readonly PastHandover[], nowMs: NowMs): Html {
  const itemOf = nowMs === undefined ? timelessItem : item;
  return html`<ol class="handovers">${handovers.map((one) => itemOf(one, nowMs))}</ol>`;
}

const timelessItem = madeOnce<PastHandover>((handover) => item(handover, undefined));

function item(handover: PastHandover, nowMs: NowMs): Html {
  const { id, mode, askedMode, triggers, launch, result, reason, modeReason, crash } = handover;
  return html`<li><p class="head"><b>${id}</b> <span class="result ${toneOf(result)}">${resultText(handover)}</span> <span>${mode ?? askedMode}</span> <span>${triggers.join(', ')}</span>${
    launch !== undefined && html` <span>to ${launch}</span>`
  } ${when(handover, nowMs)}</p>${steps(handover, nowMs)}${[
    told('crash', crash),
    told(
      mode === undefined ? 'waits' : `not ${mode === 'in-place' ? 'by restart' : 'hot'}`,
      modeReason,
    ),
    told(result === undefined ? 'reason' : spaced(result), reason),
  ]}${failures(handover)}</li>`;
}

function resultText({ result, leftAtMs }: PastHandover): string {
  if (result !== undefined) return spaced(result);
  return leftAtMs === undefined ? 'under way' : 'being proved';
}

function when(
  { startedAtMs, startedAtWallMs, endedAtMs, connectionsLeft }: PastHandover,
  nowMs: NowMs,
): Html {
  const iso = isoTime(startedAtWallMs);
  const took = endedAtMs === undefined ? '' : `took ${lengthText(endedAtMs - startedAtMs)}`;
  return html`<span>${took}</span>${
    connectionsLeft !== undefined &&
    html` <span>${plural(connectionsLeft, 'connection')} left</span>`
  } <span class="when"><time datetime="${iso}">${iso}</time>, ${since(startedAtMs, nowMs)} ago</span>`;
}

function told(what: string, text: string | undefined): Html {
  return text === undefined ? html`` : html`<p class="told"><span>${what}:</span> ${text}</p>`;
}

function failures({ id, failures, failureCount }: PastHandover): Html {
  if (failureCount === 0) return html``;
  const reasons = failures.map(({ reason }) => html`<li>${reason}</li>`);
  return html`<details id="failures-${id}"><summary id="failures-${id}-summary">${plural(failureCount, 'failed attempt')}</summary><ul>${reasons}</ul></details>`;
}

interface Step {
  readonly name: HandoverStep;
  readonly count: number;
  readonly length: Html;
}

function steps(handover: PastHandover, nowMs: NowMs): Html {
  const spans = closedSpans(handover.steps, handover.leftAtMs ?? Number.NaN);
  if (spans.length === 0) return html``;
  const shown =
    spans.length > MOST_STEPS ? addedUp(spans, nowMs) : spans.map((one) => stepOf(one, nowMs));
  const chips = shown.map(({ name, count, length }) => {
    return html`<li class="${name}">${name} ${count > 1 && `${count} × `}<b>${length}</b></li>`;
  });
  return html`<ol class="steps" aria-label="steps of ${handover.id}">${chips}</ol>`;
}

function stepOf({ name, fromMs, toMs }: ClosedSpan<HandoverStep>, nowMs: NowMs): Step {
  const length = Number.isNaN(toMs) ? since(fromMs, nowMs) : html`${lengthText(toMs - fromMs)}`;
  return { name, count: 1, length };
}

/** In the order in which they came first; the one under way stays by itself. */
function addedUp(spans: readonly ClosedSpan<HandoverStep>[], nowMs: NowMs): readonly Step[] {
  const sums = new Map<HandoverStep, { count: number; ms: number }>();
  for (const { name, fromMs, toMs } of spans.filter(({ toMs }) => !Number.isNaN(toMs))) {
    const { count, ms } = sums.get(name) ?? { count: 0, ms: 0 };
    sums.set(name, { count: count + 1, ms: ms + toMs - fromMs });
  }
  const over = [...sums].map(([name, { count, ms }]) => {
    return { name, count, length: html`${lengthText(ms)}` };
  });
  const current = spans.filter(({ toMs }) => Number.isNaN(toMs)).map((one) => stepOf(one, nowMs));
  return [...over, ...current];
}
