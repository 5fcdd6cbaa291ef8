/**
 * Times that go on while the page is looked at. Each is written with its moment in the agent's
 * monotonic milliseconds, from which the browser keeps the text right.
 */
import { ageText, countdownText } from './duration-text.ts';
import { type Html, html } from './html.ts';

/**
 * The moment the page is made for; absent where it is not known, in what is sent to a browser that
 * fills the times in by itself.
 */
export type NowMs = number | undefined;

/** "3 min 5 s": how long ago. */
export function since(atMs: number, nowMs: NowMs): Html {
  const text = nowMs === undefined ? '' : ageText(nowMs - atMs);
  return html`<span data-since="${Math.round(atMs)}">${text}</span>`;
}

/** "4.2 s": how long until then. */
export function until(atMs: number, nowMs: NowMs): Html {
  const text = nowMs === undefined ? '' : countdownText(atMs - nowMs);
  return html`<span data-until="${Math.round(atMs)}">${text}</span>`;
}
