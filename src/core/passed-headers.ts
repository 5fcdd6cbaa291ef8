/** The headers of a probe as the application is to see them. */

/** By lower-case name, every value kept. */
export type Headers = Readonly<Record<string, readonly string[] | undefined>>;

/** They belong to the connection or to the body, and neither is passed on. */
const NOT_PASSED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export interface PortsOfProbe {
  /** Where the probe came in. */
  readonly own: number;
  /** Where it goes. */
  readonly asked: number;
}

/**
 * All that the kubelet sent, the Host that it was told to send among them; one that only names the
 * port it came in by names the application's instead, as it would without us between.
 */
export function passedHeaders(
  headers: Headers,
  ports: PortsOfProbe,
): Readonly<Record<string, string | readonly string[]>> {
  const named = new Set(
    (headers['connection'] ?? []).flatMap((line) => line.toLowerCase().split(/\s*,\s*/)),
  );
  const passed = Object.entries(headers).flatMap(([name, values]) => {
    const stays = NOT_PASSED.has(name) || named.has(name) || values === undefined;
    return stays ? [] : [[name, values] as const];
  });
  const host = headers['host']?.[0];
  return {
    ...Object.fromEntries(passed),
    ...(host === undefined ? {} : { host: hostFor(host, ports) }),
  };
}

function hostFor(host: string, { own, asked }: PortsOfProbe): string {
  const name = /^(.+):(\d+)$/.exec(host);
  return name !== null && Number(name[2]) === own ? `${name[1]}:${asked}` : host;
}
