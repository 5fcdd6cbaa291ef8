/** docs/certificates-fleet.md, made from the played cases. */
import { markdownTable } from '../../../test/faults/markdown-table.ts';
import { AGENT_COUNT, type PlayedCase } from './cases.ts';
import { histogram } from './histogram.ts';

export function fleetPage(played: readonly PlayedCase[]): string {
  const blocks = [
    INTRODUCTION,
    '## Result',
    resultTable(played),
    COLUMNS,
    '## What to set',
    ADVICE,
    '## How it is simulated',
    MODEL,
    '## Handovers begun per second',
    'From the write of the bundle on. The number behind a bar is handovers a second; each picture has a scale of its own.',
    ...played.flatMap(({ title, course }) => [
      `### ${headingOf(title)}`,
      `\`\`\`\n${histogram(course.begunAtMs)}\n\`\`\``,
    ]),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** One line of the table, so that a test can look it up. */
export function resultRow({ title, course, summary }: PlayedCase): readonly string[] {
  const { p50Ms, p99Ms, lastMs } = summary.served;
  return [
    title,
    String(summary.peakPerSecond),
    ...[p50Ms, p99Ms, lastMs].map((ms) => `${(ms / 1_000).toFixed(1)} s`),
    String(course.mostDoubled),
    String(course.expiredCount),
  ];
}

const HEAD = [
  'delivery, jitter',
  'most begun in a second',
  'served after, p50',
  'p99',
  'last',
  'two Envoys at once',
  'served past the end',
];

function resultTable(played: readonly PlayedCase[]): string {
  return markdownTable(HEAD, played.map(resultRow));
}

function headingOf(title: string): string {
  return `${title.charAt(0).toUpperCase()}${title.slice(1)}`;
}

const AGENTS = AGENT_COUNT.toLocaleString('en-US');

const INTRODUCTION = `# One rotation, ${AGENTS} agents

<!-- Made by "npm run fleet:docs" from bench/scenarios/fleet: edit that. -->

Where many pods use the same certificates one rotation reaches all of them, and each agent begins a handover of its own. What that adds up to, and what \`BATON_JITTER\` does about it: ${AGENTS} agents, played in virtual time by the very code that decides in each of them.`;

const COLUMNS = `* **most begun in a second**: handovers. Each is a second Envoy to start, a configuration to ask the control plane for and connections to renew.
* **served after**: from the write of the bundle until the agent's new Envoy is LIVE with it.
* **two Envoys at once**: the most agents whose old Envoy still drained behind the new one (\`BATON_PARENT_SHUTDOWN_TIME\`, 60 s). That is the memory a node has to have to spare.
* **served past the end**: agents whose Envoy still served the old certificate after its end. The last row is the same as the one above it, but for agents that do not know when their certificates end: it shows what the bound of jitter is good for, and that the count would notice.`;

const ADVICE = `* **Mounted secrets** need no jitter to keep a fleet from restarting at once: every kubelet brings them to its pods at a time of their own, within a minute and a half. Jitter shorter than that changes little; \`BATON_JITTER=5m\` is what lowers the peak, and the number of nodes that need memory for two Envoys.
* **A volume that all agents share** (one host, a shared disk) tells all of them in the same moment. There the jitter alone spreads the handovers: the peak is the number of agents divided by it.
* **A bundle that comes late**: jitter ends \`BATON_CERT_EXPIRY_MARGIN\` (10 minutes) before the certificates in use do, so that it has less room the later the new ones come; after that every agent begins at once, for an expired certificate is worse than a busy minute. An issuer that renews with more time to spare than jitter and margin together never meets that bound.
* **No second Envoy at all**: \`BATON_CERT_DELIVERY=sds\` starts none for a new certificate; jitter then spreads no more than the reading of files.`;

const MODEL = `Every agent is a state of the core (\`src/core\`), taken from event to event by the same function that a running agent calls; settings are read from an environment as a running agent reads them. Time, files and processes are simulated; random numbers come from a fixed seed, so that the page is the same wherever it is made.

* **kubelet**: a mounted secret is renewed when the kubelet next syncs the pod, from a cache that a watch keeps up to date, so that it takes up to the sync period and the cache's delay ([Kubernetes: using Secrets as files](https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod)). The period is \`syncFrequency\`, a minute by default ([kubelet configuration](https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/)); between two syncs of a pod the kubelet lets that or up to half as much again pass, at random (\`workerResyncIntervalJitterFactor\` in [pod_workers.go](https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/pod_workers.go)). To it come up to half a second of the watch and up to 1.2 s of the loops that look for work.
* **shared volume**: all agents see the write in the same moment.
* **The look**: after the settle time (\`BATON_CERT_QUIET_TIME\`, 1 s) from the last of the events of an atomic write, or at the poll (\`BATON_CERT_POLL_INTERVAL\`, 30 s) if that happens to come first; each agent polls in a phase of its own.
* **The handover**: checks of 60 to 160 ms, 60 to 240 ms from the launch to LIVE, as [the bench](performance.md) measures them; then the old Envoy drains and is gone after \`BATON_PARENT_SHUTDOWN_TIME\`.
* **3 min left**: the old certificates end three minutes after the new ones are written, with \`BATON_CERT_EXPIRY_MARGIN=1m\`. In all other cases they end much later.
* Not simulated: slow nodes, faults, memory limits, a control plane that gets slower the more it is asked.`;
