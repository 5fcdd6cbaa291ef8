/** Runs in the browser: puts in what the agent sends, and lets the times go on. */
import { ageText, countdownText } from '../duration-text.ts';
import { barOf } from '../time-scale.ts';

/** What the agent sends: its own time, and the regions that have changed. */
interface News {
  readonly atMs: number;
  readonly regions: Readonly<Record<string, string>>;
}

/** The agent sends something every few seconds. */
const SILENT_AFTER_MS = 10_000;

/** What the agent's monotonic clock is ahead of the browser's. */
let aheadMs = Number(document.body.dataset['at']) - performance.now();
let heardMs = performance.now();

const events = new EventSource('events');
events.onmessage = ({ data }: MessageEvent<string>) => {
  const { atMs, regions } = JSON.parse(data) as News;
  heardMs = performance.now();
  aheadMs = atMs - heardMs;
  for (const [id, markup] of Object.entries(regions)) putIn(id, markup);
  goOn();
  tellContact('live', 'Live');
};
events.addEventListener('over', () => {
  events.close();
  tellContact('over', 'No longer live, for too many pages are open: reload for news.');
});
events.onerror = () => tellLost();
// biome-ignore lint/style/noRestrictedGlobals: the browser has no other clock.
setInterval(() => {
  goOn();
  if (performance.now() - heardMs > SILENT_AFTER_MS) tellLost();
}, 1_000);

/** Keeps what is unfolded and what has the focus. */
function putIn(id: string, markup: string): void {
  const region = document.getElementById(id);
  if (region === null) return;
  const focused = document.activeElement;
  const focusedId = region.contains(focused) ? focused?.id : undefined;
  const unfolded = [...region.querySelectorAll('details[open]')].map((one) => one.id);
  region.innerHTML = markup;
  for (const one of unfolded) document.getElementById(one)?.setAttribute('open', '');
  if (focusedId) document.getElementById(focusedId)?.focus({ preventScroll: true });
  const title = region.querySelector<HTMLElement>('[data-title]')?.dataset['title'];
  if (title !== undefined) document.title = title;
}

function goOn(): void {
  const nowMs = performance.now() + aheadMs;
  for (const one of all<HTMLElement>('[data-since]')) {
    write(one, ageText(nowMs - Number(one.dataset['since'])));
  }
  for (const one of all<HTMLElement>('[data-until]')) {
    write(one, countdownText(Number(one.dataset['until']) - nowMs));
  }
  for (const lane of all<SVGElement>('[data-scale]')) draw(lane, nowMs);
}

/** What stays as it is may be selected. */
function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function draw(lane: SVGElement, nowMs: number): void {
  const scaleMs = Number(lane.dataset['scale']);
  for (const bar of lane.querySelectorAll('rect')) {
    const { from, to } = bar.dataset;
    const { x, width } = barOf(nowMs - Number(from), to ? nowMs - Number(to) : 0, scaleMs);
    bar.setAttribute('x', x);
    bar.setAttribute('width', width);
  }
}

function all<One extends Element>(selector: string): NodeListOf<One> {
  return document.querySelectorAll<One>(selector);
}

/** What is shown is no longer known to be so. */
function tellLost(): void {
  if (['over', 'lost'].includes(document.body.className)) return;
  document.title = `? ${document.title}`;
  tellContact('lost', 'Lost contact with the agent: what is shown may be over');
}

/** Said once: it is read out. */
function tellContact(state: string, text: string): void {
  if (document.body.className === state) return;
  document.body.className = state;
  const contact = document.getElementById('contact');
  if (contact !== null) contact.textContent = text;
}
