/** What is to be seen at one glance: is it ready, what does it do, what comes next, what failed last. */

import { givenUpText } from '../core/given-up.ts';
import type { PastHandover } from '../core/history-model.ts';
import type { HandoverStep } from '../core/state.ts';
import { type HandoverStatus, type Status, untoldHolds } from '../core/status.ts';
import { timeOf } from './facts.ts';
import { type Html, html } from './html.ts';
import type { Overview } from './overview.ts';
import { type NowMs, since } from './times.ts';
import { CROSS, plural, spaced, toneOf } from './words.ts';

/** Ready or not, and the phase: what is read out when it changes. */
export function readinessView({ status, name }: Overview): Html {
  const { ready, phase, application } = status;
  const title = `${ready ? '✓ ready' : '✕ not ready'} · ${name} · Baton`;
  return html`<span class="badge ${ready ? 'good' : 'bad'}" data-title="${title}"><span aria-hidden="true">${ready ? '✓' : '✕'}</span> ${ready ? 'Ready' : 'Not ready'}</span> <span class="phase">${phase}${
    application !== undefined && `, application ${application.ready ? 'ready' : 'not ready'}`
  }</span>`;
}

/** @returns the title of the page */
export function titleOf({ status, name }: Overview): string {
  return `${status.ready ? '✓ ready' : '✕ not ready'} · ${name} · Baton`;
}

export function glanceView(overview: Overview, nowMs: NowMs): Html {
  const { status } = overview;
  const troubles = troublesOf(overview, nowMs);
  return html`${
    status.reason !== undefined && html`<p class="why bad">${status.reason}</p>`
  }<dl class="cards">${[
    card('Doing', doing(overview, nowMs)),
    card('Next', next(overview, nowMs)),
    card('Failed last', failedLast(overview, nowMs)),
  ]}</dl>${
    troubles.length > 0 &&
    html`<h2>To look at</h2><ul class="troubles">${troubles.map((one) => html`<li>${one}</li>`)}</ul>`
  }`;
}

function card(title: string, content: Html): Html {
  return html`<div class="card"><dt>${title}</dt><dd>${content}</dd></div>`;
}

function doing({ status, history }: Overview, nowMs: NowMs): Html {
  const { handover } = status;
  const current = history.handovers.findLast(({ id }) => id === handover?.id);
  const serving = history.launches.filter(
    ({ end, stages }) => end === undefined && stages.kept.at(-1)?.name === 'live',
  );
  return html`${serving.map(({ id, epoch, startedAtMs }) => {
    return html`<p><b>${id}</b> serves at epoch ${epoch}, started ${since(startedAtMs, nowMs)} ago.</p>`;
  })}${serving.length === 0 && html`<p>Nothing serves.</p>`}${
    handover !== undefined && current !== undefined && handoverNow(handover, current, nowMs)
  }${status.phase === 'draining' && html`<p>The agent stops.</p>`}`;
}

function handoverNow(handover: HandoverStatus, { startedAtMs }: PastHandover, nowMs: NowMs): Html {
  const { id, triggers, step, launch, attempts, lastFailure } = handover;
  return html`<p><b>${id}</b>, begun ${since(startedAtMs, nowMs)} ago because of ${triggers.join(', ')}, ${STEPS[step](launch ?? 'a new Envoy')}.</p>${
    attempts > 0 && html`<p>${plural(attempts, 'failed attempt')}, the last: ${lastFailure}</p>`
  }`;
}

const STEPS: Readonly<Record<HandoverStep, (launch: string) => string>> = {
  checking: () => 'checks what is to be served',
  clearing: () => 'takes the old Envoy out of service',
  starting: (launch) => `starts ${launch}`,
  repairing: () => 'repairs the shared memory after a failed start',
  backoff: () => 'waits for its next try',
  headroom: () => 'waits for room for one more Envoy',
  delivering: () => 'has new certificates loaded in place',
  retiring: (launch) => `is committed to ${launch}, and the old Envoy drains`,
};

function next({ status, waits: [soonest] }: Overview, nowMs: NowMs): Html {
  if (soonest === undefined && status.handover !== undefined) {
    return html`The handover goes on; nothing has a deadline now.`;
  }
  if (soonest === undefined) {
    return html`Nothing is waited for. A change on disk, a crash or a request starts a handover.`;
  }
  return html`Waits for ${soonest.what}: ${timeOf(soonest, nowMs)}.`;
}

interface Failure {
  readonly atMs: number;
  readonly text: Html;
}

function failedLast({ history }: Overview, nowMs: NowMs): Html {
  const failures: readonly Failure[] = [
    ...history.handovers.flatMap(failuresOf),
    ...history.launches.flatMap(({ id, end }) =>
      end?.isUnexpected ? [{ atMs: end.atMs, text: html`<b>${id}</b> ${end.outcome}.` }] : [],
    ),
    ...history.handovers.flatMap(({ crash, startedAtMs }) =>
      crash === undefined ? [] : [{ atMs: startedAtMs, text: html`${crash}.` }],
    ),
  ];
  const last = [...failures].sort((a, b) => b.atMs - a.atMs)[0];
  if (last === undefined) return html`Nothing remembered.`;
  return html`<p><b class="bad" aria-hidden="true">${CROSS}</b> ${last.text}</p><p>${since(last.atMs, nowMs)} ago</p>`;
}

function failuresOf(handover: PastHandover): readonly Failure[] {
  const { id, result, reason, endedAtMs, failures } = handover;
  const attempts = failures.map((one) => {
    return { atMs: one.atMs, text: html`<b>${id}</b>: ${one.reason}` };
  });
  if (result === undefined || endedAtMs === undefined || toneOf(result) !== 'bad') return attempts;
  return [...attempts, { atMs: endedAtMs, text: html`<b>${id}</b> ${spaced(result)}: ${reason}` }];
}

function troublesOf(overview: Overview, nowMs: NowMs): readonly Html[] {
  const { status } = overview;
  const { standby, drained, launches, certificates, tokens, application } = status;
  return [
    ...(application?.reason === undefined || !isOwnTrouble(status)
      ? []
      : [html`<b>application</b> not ready: ${application.reason}`]),
    ...(certificates?.problems ?? []).map((problem) => {
      return html`<b>certificates</b> ${spaced(certificates?.verdict ?? '')}: ${problem}`;
    }),
    ...untoldHolds(status).map(({ part, problems }) => {
      return html`<b>${part}</b> held at the last good state: ${problems.join(' ')}`;
    }),
    ...(certificates?.leaves ?? [])
      .filter(({ stage }) => stage !== 'fresh')
      .map(({ path, stage }) => html`<b>${path}</b> ${CERTIFICATE_STAGES[stage]}`),
    ...launches.flatMap(({ id, isHung, isDoomed, unproved }) => [
      ...(isHung ? [html`<b>${id}</b> hangs and is being replaced`] : []),
      ...(isDoomed ? [html`<b>${id}</b> has lost its parent and is being replaced`] : []),
      ...(unproved === undefined ? [] : [html`<b>${id}</b> certificates not proved: ${unproved}`]),
    ]),
    ...(drained === undefined
      ? []
      : [html`Out of rotation, ${drained.reason}: <code>baton undrain</code> brings it back`]),
    ...givenUpOnes(overview, nowMs),
    ...(standby?.state === 'missing' ? [html`No standby: ${standby.reason}`] : []),
    ...(tokens.nextDelaySeconds === undefined
      ? [html`No restart token is left: the next crash ends the agent`]
      : []),
  ];
}

/** The reason on top is another one. */
function isOwnTrouble({ ready, application, reason }: Status): boolean {
  return !ready && application?.reason !== undefined && !reason?.endsWith(application.reason);
}

/** In the order of the status. */
function givenUpOnes({ status, state }: Overview, nowMs: NowMs): readonly Html[] {
  const { refused, refusedCertificates } = state;
  const times = [refused, refusedCertificates].filter((one) => one !== undefined);
  return status.givenUp.map((givenUp, at) => {
    const { handover, reason } = givenUp;
    const ago = html`${since(times[at]?.atMs ?? 0, nowMs)} ago by ${handover}`;
    return html`<b>${givenUpText(givenUp)}</b> given up ${ago}: ${reason} Tried again when something changes or someone asks.`;
  });
}

const CERTIFICATE_STAGES = {
  fresh: '',
  aging: 'should have been renewed',
  ending: 'ends soon',
  ended: 'has ended',
} as const;
