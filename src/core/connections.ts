/** How many downstream connections a launch still has, from its stats. */

const LISTENER_STAT = /^listener\.(.+)\.downstream_cx_active$/;
/** Envoy's own: the admin, and listeners inside the process that never reach zero. */
const NEVER_COUNTED = /^(admin|envoy_internal_.*)$|\.(worker_\d+|main_thread)$/;

/** Asks for no more than what countConnections reads. */
export const CONNECTIONS_PATH = '/stats?format=json&usedonly&filter=downstream_cx_active%24';

/**
 * The sum over all listeners but the ignored ones, which are named as Envoy's stats name them: by
 * the listener's `stat_prefix`, else its address (`0.0.0.0_15021`). Undefined when the text is no
 * such answer: not knowing is not zero.
 */
export function countConnections(
  statsJson: string,
  ignored: readonly string[],
): number | undefined {
  const stats = statsIn(statsJson);
  if (stats === undefined) return undefined;
  return stats.reduce<number>((sum, { name, value }) => {
    const listener = LISTENER_STAT.exec(String(name))?.[1];
    const isCounted =
      listener !== undefined && !NEVER_COUNTED.test(listener) && !ignored.includes(listener);
    return isCounted ? sum + Number(value ?? 0) : sum;
  }, 0);
}

function statsIn(text: string): readonly { name?: unknown; value?: unknown }[] | undefined {
  try {
    const { stats } = JSON.parse(text) as { stats?: unknown };
    return Array.isArray(stats) ? stats : undefined;
  } catch {
    return undefined;
  }
}

/** In words: "1 connection", "2 connections". */
export function connectionsText(count: number): string {
  return `${count} connection${count === 1 ? '' : 's'}`;
}
