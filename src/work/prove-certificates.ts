/** Asks Envoy which certificates it has loaded, until they are those it was given. */
import { messageOf } from '../core/agent-error.ts';
import {
  type CertificateExpectation,
  proveCertificates,
  proveSecrets,
} from '../core/certificate-proof.ts';
import type { AdminLimits, Clock, Material } from '../ports.ts';
import type { LivingLaunch } from './launches.ts';

export function isNothing({ chains, authorities }: CertificateExpectation): boolean {
  return chains.length + authorities.length === 0;
}

/** A listing names every certificate of every TLS context, bundles whole. */
const LIMITS: AdminLimits = { timeoutMs: 2_000, maxBytes: 16 * 1024 * 1024 };
const VERSIONS = '/stats?filter=^sds%5C..*%5C.version_text$';

/**
 * An Envoy that serves takes new secrets within 100 ms, one that is LIVE has loaded its files before
 * (measured on 1.40); what is left is for a busy one.
 */
const WITHIN_MS = 5_000;
const ASK_FIRST_AFTER_MS = 5;
const ASK_LAST_AFTER_MS = 200;

type Given = Pick<Material, 'expected' | 'secrets' | 'desired'>;
type Asked = Pick<LivingLaunch, 'admin' | 'process' | 'version' | 'ended'>;

/**
 * Undefined once it shows them; else after five seconds, or when it has ended, what was wrong last.
 * Never rejects.
 */
export async function untilProved(
  given: Given,
  living: Asked,
  clock: Clock,
): Promise<string | undefined> {
  let isOver = false;
  const cancel = clock.afterRunning(WITHIN_MS, () => {
    isOver = true;
  });
  for (let afterMs = ASK_FIRST_AFTER_MS; ; afterMs = Math.min(2 * afterMs, ASK_LAST_AFTER_MS)) {
    const problem = await askOnce(given, living);
    if (problem === undefined || isOver || living.ended.aborted) {
      cancel();
      return problem && withItsWords(problem, living);
    }
    const waitMs = afterMs;
    await new Promise<void>((resume) => void clock.after(waitMs, resume));
  }
}

/** Envoy says why it rejects a secret in its log alone. */
function withItsWords(problem: string, { process }: Asked): string {
  const line = process.lastLines().findLast((one) => one.includes('Filesystem config update'));
  return line === undefined ? problem : `${problem} (${line.slice(0, MOST_WORDS)})`;
}

const MOST_WORDS = 300;

/** What is loaded comes before what was accepted: it is what clients see. */
async function askOnce(given: Given, living: Asked): Promise<string | undefined> {
  const { expected, secrets, desired } = given;
  try {
    if (!isNothing(expected)) {
      const body = await textOf(living, '/certs');
      const problem = proveCertificates(expected, body, living.version);
      if (problem !== undefined) return problem;
    }
    if (secrets.size === 0) return undefined;
    const accepted = await textOf(living, VERSIONS);
    return proveSecrets([...secrets.keys()], desired.certificates ?? '', accepted);
  } catch (error) {
    const reason = messageOf(error);
    return `Envoy could not be asked for its certificates: ${reason}`;
  }
}

async function textOf({ admin }: Asked, path: string): Promise<string> {
  const { status, body } = await admin.request('GET', path, LIMITS);
  if (status !== 200) throw new Error(`it answered ${status} to ${path}`);
  return body.toString('utf8');
}
