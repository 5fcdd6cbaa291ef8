/** What must hold for the questions to the application, and what came of reading them. */
import { APP_PROBES_SETTING, type AppProbes, readAppProbes } from '../core/app-probes.ts';
import type { Problem } from '../ports.ts';
import type { SettingKey, Values } from './table.ts';

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
  return {
    appProbes,
    problems: [
      ...problems.map((message) => ({ about: APP_PROBES_SETTING, message })),
      ...(broken.has('appReadyUrl') || !asksItself(values) ? [] : [circle(values)]),
    ],
  };
}

/** By any name of the pod that we know of. */
function asksItself({ appReadyUrl, statusPort, instanceIp }: Values): boolean {
  if (appReadyUrl === undefined) return false;
  const { hostname, port } = new URL(appReadyUrl);
  const host = hostname.replace(/^\[|\]$/g, '');
  const isHere = /^(?:localhost|127\.[\d.]+|::1)$/.test(host) || host === instanceIp;
  return isHere && Number(port) === statusPort;
}

function circle({ statusPort }: Values): Problem {
  const about = 'BATON_APP_READY_URL';
  const message = `Cannot use ${about}: it asks port ${statusPort}, which is BATON_STATUS_PORT: itself.`;
  return { about, message };
}
