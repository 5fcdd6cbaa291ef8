/** Beside the lanes: what SIGTERM would do, what is waited for, tokens, certificates. */
import type { CertificatesStatus } from '../core/certificate-status.ts';
import {
  type CertificatesKnown,
  type LeafFacts,
  leavesInUse,
  leavesToCome,
  lifetimeStage,
  wallMsAt,
} from '../core/certificates-seen.ts';
import { isoTime } from '../core/iso-time.ts';
import type { DigestStatus } from '../core/status.ts';
import type { Wait } from '../core/waits.ts';
import { type Html, html } from './html.ts';
import type { Overview } from './overview.ts';
import { type NowMs, since, until } from './times.ts';
import { spaced } from './words.ts';

export function sigtermView({ status }: Overview): Html {
  const lines = status.onSigterm.map((line) => html`<li>${line}</li>`);
  return html`<ol class="plain">${lines}</ol>`;
}

export function waitsView({ waits }: Overview, nowMs: NowMs): Html {
  if (waits.length === 0) return html`<p>Nothing.</p>`;
  const items = waits.map((wait) => html`<li>${wait.what} ${timeOf(wait, nowMs)}</li>`);
  return html`<ul class="plain">${items}</ul>`;
}

/** When it is expected, or has to have happened, and what is done else. */
export function timeOf({ dueMs, expectedMs, otherwise }: Wait, nowMs: NowMs): Html {
  if (otherwise === undefined) return html`<b>${until(dueMs, nowMs)}</b>`;
  return expectedMs === undefined
    ? html`<b>${until(dueMs, nowMs)}</b>, else ${otherwise}`
    : html`<b>${until(expectedMs, nowMs)}</b>, else ${otherwise} in ${until(dueMs, nowMs)}`;
}

export function tokensView({ status }: Overview): Html {
  const { left, total, nextDelaySeconds } = status.tokens;
  const next =
    nextDelaySeconds === undefined
      ? 'the next crash ends the agent'
      : `the next crash is answered after ${nextDelaySeconds} s`;
  const dots = Array.from({ length: Math.min(total, 20) }, (_, at) => {
    return html`<span class="${at < left ? 'token' : 'token spent'}"></span>`;
  });
  return html`<p class="tokens" aria-hidden="true">${dots}</p><p><b>${left} of ${total}</b> left, ${next}.</p>`;
}

export function certificatesView(overview: Overview, nowMs: NowMs): Html {
  const { status, state } = overview;
  const { certificates } = status;
  const known = state.certificates;
  if (certificates === undefined || known === undefined)
    return html`<p>No folders are watched.</p>`;
  const shown = (leaves: readonly LeafFacts[], title?: string) =>
    leaves.length > 0 &&
    html`${title !== undefined && html`<h3>${title}</h3>`}<ul class="plain leaves">${[...leaves]
      .sort((a, b) => a.notAfterMs - b.notAfterMs)
      .map((leaf) => leafView(leaf, known, { atMs: overview.atMs, nowMs }))}</ul>`;
  return html`${verdictView(certificates, known, nowMs)}${shown(leavesInUse(state))}${shown(
    leavesToCome(state),
    'To come',
  )}`;
}

const GOOD_VERDICTS: readonly string[] = ['accepted', 'unchanged'];

function verdictView(
  certificates: CertificatesStatus,
  known: CertificatesKnown,
  nowMs: NowMs,
): Html {
  const { verdict, problems, advice, delivery } = certificates;
  const tone = GOOD_VERDICTS.includes(verdict) ? 'good' : 'bad';
  return html`<p><b class="${tone}">${spaced(verdict)}</b> for ${since(known.sinceMs, nowMs)}, delivered by ${delivery}.</p>${problems.map(
    (problem) => html`<p>${problem}</p>`,
  )}${advice !== undefined && html`<p>${advice}</p>`}`;
}

const TONES = { fresh: 'good', aging: 'warn', ending: 'bad', ended: 'bad' } as const;

interface LeafMoment {
  readonly atMs: number;
  readonly nowMs: NowMs;
}

/** By the wall clock of the last look, as all that is decided about certificates. */
function leafView(
  leaf: LeafFacts,
  certificates: CertificatesKnown,
  { atMs, nowMs }: LeafMoment,
): Html {
  const { path, subject, serialNumber, notAfterMs } = leaf;
  const stage = lifetimeStage(leaf, wallMsAt(certificates, atMs));
  const endMs = atMs + notAfterMs - wallMsAt(certificates, atMs);
  const left =
    stage === 'ended' ? html`ended ${since(endMs, nowMs)} ago` : html`${until(endMs, nowMs)} left`;
  const iso = isoTime(notAfterMs);
  return html`<li><p><b>${baseNameOf(path)}</b> <b class="${TONES[stage]}">${left}</b></p><p class="small">${subject.replaceAll('\n', ', ')}<br>${path}<br>serial ${serialNumber}, until <time datetime="${iso}">${iso}</time></p></li>`;
}

function baseNameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function versionsView({ status }: Overview): Html {
  const { committed, desired, givenUp, standby } = status;
  const [serves, asked] = [digestText(committed), digestText(desired)];
  return html`<dl class="digests">${[
    ...(standby === undefined ? [] : [entry('standby', standby.state)]),
    entry(serves === asked ? 'committed, and desired' : 'committed', serves),
    ...(serves === asked
      ? []
      : [entry(givenUp.length === 0 ? 'desired' : 'desired, and given up', asked)]),
  ]}</dl>`;
}

function entry(term: string, text: string): Html {
  return html`<dt>${term}</dt><dd>${text}</dd>`;
}

function digestText(digests: DigestStatus | undefined): string {
  if (digests === undefined) return 'nothing yet';
  const { certificates, bootstrap, binary } = digests;
  const parts = [`bootstrap ${bootstrap}`, `binary ${binary}`];
  return [...(certificates === undefined ? [] : [`certificates ${certificates}`]), ...parts].join(
    ', ',
  );
}
