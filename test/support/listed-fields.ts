/** Holds what is logged to the list of all messages. */
import { LOG_EVENTS } from '../../src/core/log-events.ts';

/** Those that the list does not name for this message; a message it lacks has none. */
export function unlistedFields(
  message: string,
  fields: Readonly<Record<string, unknown>>,
): readonly string[] {
  const listed = new Map(Object.entries(LOG_EVENTS)).get(message)?.fields ?? [];
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return present.map(([name]) => name).filter((name) => !listed.includes(name));
}
