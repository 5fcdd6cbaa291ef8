/**
 * A scrape that comes back to whom it was sent by would never end, whatever the way it took. What
 * Baton asks others for carries this header, and a page that is made by asking is refused to it.
 */
export const SCRAPE_MARK = { 'baton-scrape': '1' } as const;

/** Whether the request is one of ours, or was made for one of ours. */
export function hasScrapeMark(headers: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(SCRAPE_MARK).some((name) => headers[name] !== undefined);
}
