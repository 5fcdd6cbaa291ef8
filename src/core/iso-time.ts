/** A wall-clock time as people and machines read it, such as `2026-12-21T17:47:03Z`. */
export function isoTime(wallMs: number): string {
  return exactIsoTime(wallMs).replace(/\.\d+Z$/, 'Z');
}

/** The same with its milliseconds, as the lines of the log have it. */
export function exactIsoTime(wallMs: number): string {
  // biome-ignore lint/style/noRestrictedGlobals: it writes a given time and reads no clock.
  return new Date(wallMs).toISOString();
}
