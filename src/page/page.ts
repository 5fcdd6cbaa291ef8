/**
 * The status page, whole: made by the server so that it needs no script, and in regions that are
 * sent anew when they change.
 */
import { isoTime } from '../core/iso-time.ts';
import { text as script } from './browser/main.ts?bundled';
import { certificatesView, sigtermView, tokensView, versionsView, waitsView } from './facts.ts';
import { glanceView, readinessView, titleOf } from './glance.ts';
import { handoversView, olderHandoversView } from './handovers-view.ts';
import { type Html, html } from './html.ts';
import { launchesView, olderLaunchesView } from './launches-view.ts';
import type { Overview } from './overview.ts';
import { text as style } from './page.css?bundled';
import type { NowMs } from './times.ts';

/** What the browser is told to run and to draw with, as text: for the Content-Security-Policy. */
export const pageAssets = { script, style } as const;

export type Region = keyof typeof REGIONS;

const REGIONS = {
  readiness: readinessView,
  glance: glanceView,
  launches: launchesView,
  'older-launches': olderLaunchesView,
  handovers: handoversView,
  'older-handovers': olderHandoversView,
  sigterm: sigtermView,
  waits: waitsView,
  tokens: tokensView,
  certificates: certificatesView,
  versions: versionsView,
} as const satisfies Readonly<Record<string, (overview: Overview, nowMs: NowMs) => Html>>;

/**
 * The regions by their element's id. Without times: two of them are equal when nothing has happened
 * but that time went by.
 */
export function pageRegions(overview: Overview): ReadonlyMap<string, string> {
  const entries = Object.entries(REGIONS);
  return new Map(entries.map(([id, view]) => [id, view(overview, undefined).markup]));
}

/** The page at one moment. */
export function pageText(overview: Overview): string {
  const view = (region: Region) => REGIONS[region](overview, overview.atMs);
  return `<!doctype html>\n${document(overview, view).markup}\n`;
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 14 14 2' stroke='%232f9e6e' stroke-width='4' stroke-linecap='round'/%3E%3C/svg%3E";

function document(overview: Overview, view: View): Html {
  const { name, atMs } = overview;
  return html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><title>${titleOf(overview)}</title><link rel="icon" href="${{ markup: ICON }}"><style>${{ markup: style }}</style></head><body data-at="${Math.round(atMs)}"><a class="skip" href="#handovers">Skip to the handovers</a><header><h1>Baton <small>${name}</small></h1><p id="readiness" role="status">${view('readiness')}</p>${contact(overview)}</header><main>${[
    html`<section aria-label="At a glance" id="glance">${view('glance')}</section>`,
    section('Launches', ['launches', 'older-launches'], view),
    details(view),
    section('Handovers', ['handovers', 'older-handovers'], view),
  ]}</main>${footer(overview)}<script>${{ markup: script }}</script></body></html>`;
}

type View = (region: Region) => Html;

/** Beside the rest where there is room, else in front of the handovers, of which there are many. */
function details(view: View): Html {
  return html`<aside aria-label="Details">${[
    section('On SIGTERM now', ['sigterm'], view),
    section('Waits for', ['waits'], view),
    section('Restart tokens', ['tokens'], view),
    section('Certificates', ['certificates'], view),
    section('Versions', ['versions'], view),
  ]}</aside>`;
}

/** Named after its first region. */
function section(title: string, regions: readonly [Region, ...Region[]], view: View): Html {
  const heading = `${regions[0]}-heading`;
  const parts = regions.map((region) => html`<div id="${region}">${view(region)}</div>`);
  return html`<section aria-labelledby="${heading}"><h2 id="${heading}">${title}</h2>${parts}</section>`;
}

function contact({ wallMs }: Overview): Html {
  const iso = isoTime(wallMs);
  return html`<p id="contact" role="status">As of <time datetime="${iso}">${iso}</time>: reload for news.</p>`;
}

function footer({ version }: Overview): Html {
  return html`<footer><nav aria-label="The same for programs"><a href="/status">status</a> <a href="/history">history</a> <a href="/metrics">metrics</a></nav><p>Baton ${version}</p></footer>`;
}
