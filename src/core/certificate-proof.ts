/** Whether Envoy serves the certificates it was given, by its answer to `/certs`. */
import type { CertificateUse } from './certificate-use.ts';
import { entryOf, isList, isMap, type Tree, type TreeMap } from './tree.ts';

/** Serial numbers in hexadecimal, of either case. */
export interface CertificateExpectation {
  /** Of the leaf alone. */
  readonly chains: readonly { readonly path: string; readonly serialNumber: string }[];
  /** Of every certificate in the file. */
  readonly authorities: readonly {
    readonly path: string;
    readonly serialNumbers: readonly string[];
  }[];
}

/**
 * What Envoy must show for these files. A file whose serial numbers nobody knows, or that has no
 * certificate, expects nothing.
 *
 * @param serialsOf of the certificates in a file, in its order
 */
export function expectationOf(
  use: CertificateUse,
  serialsOf: (path: string) => readonly string[] | undefined,
): CertificateExpectation {
  const known = (paths: readonly string[]) =>
    paths.map((path) => ({ path, serialNumbers: serialsOf(path) ?? [] }));
  return {
    chains: known(use.chains).flatMap(({ path, serialNumbers: [serialNumber] }) =>
      serialNumber === undefined ? [] : [{ path, serialNumber }],
    ),
    authorities: known(use.authorities).filter(({ serialNumbers }) => serialNumbers.length > 0),
  };
}

/**
 * Undefined when the body of `/certs` shows all of it, else the first thing that is wrong, in one
 * line. A certificate that came by SDS has the path `<inline>` there and may stand for any file that
 * is not shown by its own path. Beside those expected there may be any others.
 *
 * @param version Envoy's own, as `/server_info` says it. Before 1.40 only the first certificate of a
 *   bundle is shown (seen on 1.36.4). Left out, that counts as all where no bundle is shown whole.
 */
export function proveCertificates(
  expectation: CertificateExpectation,
  certsBody: string,
  version?: string,
): string | undefined {
  const contexts = contextsIn(certsBody);
  if (contexts === undefined) return UNREADABLE;
  const leaves = contexts.map(({ chain }) => chain);
  const chain = expectation.chains.find(({ path, serialNumber }) => {
    const isShown = (serials: Serials) => serials.has(plain(serialNumber));
    return !shownFor(path, leaves).some(isShown);
  });
  if (chain !== undefined) return notLoaded(chain.path, [chain.serialNumber]);

  const bundles = contexts.map(({ authorities }) => authorities);
  const isFirstEnough = showsFirstAlone(version) ?? bundles.every(({ length }) => length < 2);
  const bundle = expectation.authorities.find(({ path, serialNumbers }) => {
    const all = new Set(serialNumbers.map(plain));
    const first = new Set([...all].slice(0, 1));
    const isShown = (serials: Serials) =>
      isEqual(serials, all) || (isFirstEnough && isEqual(serials, first));
    return !shownFor(path, bundles).some(isShown);
  });
  return bundle === undefined ? undefined : notLoaded(bundle.path, bundle.serialNumbers);
}

/** Undefined when the version can't be told. */
function showsFirstAlone(version: string | undefined): boolean | undefined {
  const [, major, minor] = /(?:^|\/)(\d+)\.(\d+)\./.exec(version ?? '') ?? [];
  if (major === undefined) return undefined;
  return Number(major) === 1 && Number(minor) < 40;
}

/** Plain ones. */
type Serials = ReadonlySet<string>;

interface Shown {
  readonly path: string;
  readonly serialNumber: string;
}

/** Of one TLS context of Envoy. */
interface Context {
  readonly chain: readonly Shown[];
  readonly authorities: readonly Shown[];
}

const UNREADABLE = 'Envoy has not said which certificates it has loaded';
/** What Envoy shows in place of a path where the content came with the configuration. */
const INLINE = '<inline>';

/** Of each context that shows the path, else of each that shows a certificate without one. */
function shownFor(path: string, contexts: readonly (readonly Shown[])[]): readonly Serials[] {
  const under = (wanted: string) =>
    contexts
      .map((shown) => shown.filter((one) => one.path === wanted))
      .filter((shown) => shown.length > 0)
      .map((shown) => new Set(shown.map(({ serialNumber }) => plain(serialNumber))));
  const byPath = under(path);
  return byPath.length > 0 ? byPath : under(INLINE);
}

/** Undefined when the body isn't an answer to `/certs`. */
function contextsIn(body: string): readonly Context[] | undefined {
  const answer = parsed(body);
  if (!isMap(answer)) return undefined;
  // Without any it may leave the list out.
  const certificates = entryOf(answer, 'certificates') ?? [];
  if (!isList(certificates) || !certificates.every(isMap)) return undefined;
  return certificates.map((context) => ({
    chain: shownIn(context, 'cert_chain'),
    authorities: shownIn(context, 'ca_cert'),
  }));
}

/** What is no path with a serial number proves nothing and is left out. */
function shownIn(context: TreeMap, key: string): readonly Shown[] {
  const list = entryOf(context, key);
  if (!isList(list)) return [];
  return list.flatMap((one) => {
    if (!isMap(one)) return [];
    const [path, serialNumber] = [entryOf(one, 'path'), entryOf(one, 'serial_number')];
    const isShown = typeof path === 'string' && typeof serialNumber === 'string';
    return isShown ? [{ path, serialNumber }] : [];
  });
}

function parsed(body: string): Tree | undefined {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Writers differ in the case of the letters and in zeros in front. */
function plain(serialNumber: string): string {
  return serialNumber.toLowerCase().replace(/^0+(?=.)/, '');
}

function isEqual(one: Serials, other: Serials): boolean {
  return one.size === other.size && [...one].every((serial) => other.has(serial));
}

/** One serial number is enough to look for; a bundle may hold hundreds. */
function notLoaded(path: string, [first = '', ...more]: readonly string[]): string {
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return `Envoy has not loaded ${nameOf(path)} with serial ${first}${others}`;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * Whether Envoy has accepted this version of each secret, by its statistics `sds.*.version_text`:
 * after a rejection they stay with the version before (measured on 1.40 and 1.36). One that is not
 * there was left out by the bootstrap's `stats_config`, and says nothing.
 *
 * @param names of the secrets
 */
export function proveSecrets(
  names: readonly string[],
  version: string,
  statsBody: string,
): string | undefined {
  const shown = new Map(
    statsBody.split('\n').flatMap((line) => {
      const [, name, text] = /^sds\.(.+)\.version_text: "(.*)"$/.exec(line.trim()) ?? [];
      return name === undefined || text === undefined ? [] : [[name, text] as const];
    }),
  );
  const behind = names.find((name) => shown.has(name) && shown.get(name) !== version);
  return behind === undefined ? undefined : `Envoy has not accepted the secret ${behind}`;
}
