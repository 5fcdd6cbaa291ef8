/** Beside the lanes: what SIGTERM would do, what is waited for, tokens, certificates. */
import type { CertificatesStatus } from '../core/certificate-status.ts';
import {
  type CertificatesKnown,
  type LeafFacts,
  leavesInUse,
  lifetimeStage,
  wallMsAt,
} from '../core/certificates-seen.ts';
import { isoTime } from '../core/iso-time.ts';
import type { DigestStatus } from '../core/status.ts';
import { type Html, html } from './html.ts';
import type { Overview } from './overview.ts';
import { type NowMs, since, until } from './times.ts';
import { spaced } from './words.ts';

export function sigtermView({ status }: Overview): Html {
  const lines = status.onSigterm.map((line) => html`<li>${line}</li>`);
  return html`<ol class="plain">${lines}</ol>`;
}

export function waitsView({ status, state }: Overview, nowMs: NowMs): Html {
  const waits = status.waits.flatMap(({ timer, what }) => {
    const dueMs = state.timers.get(timer);
    return dueMs === undefined ? [] : [html`<li>${what} <b>${until(dueMs, nowMs)}</b></li>`];
  });
  return waits.length === 0 ? html`<p>Nothing.</p>` : html`<ul class="plain">${waits}</ul>`;
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
  const leaves = [...leavesInUse(state)]
    .sort((a, b) => a.notAfterMs - b.notAfterMs)
    .map((leaf) => leafView(leaf, known, { atMs: overview.atMs, nowMs }));
  return html`${verdictView(certificates, known, nowMs)}${
    leaves.length > 0 && html`<ul class="plain leaves">${leaves}</ul>`
  }`;
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
  const { committed, desired, refused, standby } = status;
  const [serves, asked] = [digestText(committed), digestText(desired)];
  return html`<dl class="digests">${[
    ...(standby === undefined ? [] : [entry('standby', standby.state)]),
    entry(serves === asked ? 'committed, and desired' : 'committed', serves),
    ...(serves === asked ? [] : [entry('desired', asked)]),
    ...(refused === undefined ? [] : [entry('given up', digestText(refused))]),
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
