/** What must hold for the questions to the application, and what came of reading them. */
import { APP_PROBES_SETTING, type AppProbes, readAppProbes } from '../core/app-probes.ts';
import type { Problem } from '../ports.ts';
import { type SettingKey, table, type Values } from './table.ts';

export interface ApplicationRead {
  readonly appProbes: AppProbes;
  readonly problems: readonly Problem[];
}

/** Reads the application's probes; leaves out what depends on a setting with a problem of its own. */
export function readApplication(values: Values, broken: ReadonlySet<SettingKey>): ApplicationRead {
  if (broken.has('appProbesText') || broken.has('statusPort')) {
    return { appProbes: new Map(), problems: [] };
  }
  const { probes: appProbes, problems } = readAppProbes(values.appProbesText, values.statusPort);
  const circles = URLS.filter((key) => !broken.has(key) && asksItself(values[key], values));
  return {
    appProbes,
    problems: [
      ...problems.map((message) => ({ about: APP_PROBES_SETTING, message })),
      ...circles.map((key) => circle(table[key].name, values)),
    ],
  };
}

const URLS = ['appMetricsUrl', 'appReadyUrl'] as const satisfies readonly SettingKey[];

/** By any name of the pod that we know of. */
function asksItself(url: string | undefined, { statusPort, instanceIp }: Values): boolean {
  if (url === undefined) return false;
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const isHere = /^(?:localhost|127\.[\d.]+|::1|0\.0\.0\.0|::)$/.test(host) || host === instanceIp;
  return isHere && Number(port || STANDARD_PORTS.get(protocol)) === statusPort;
}

/** What a URL leaves out. */
const STANDARD_PORTS: ReadonlyMap<string, number> = new Map([
  ['http:', 80],
  ['https:', 443],
]);

function circle(about: string, { statusPort }: Values): Problem {
  const message = `Cannot use ${about}: it asks port ${statusPort}, which is BATON_STATUS_PORT: itself.`;
  return { about, message };
}
