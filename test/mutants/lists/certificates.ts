import { mutantsOf } from '../mutant.ts';

export const ofInPlace = mutantsOf('in-place.ts', [
  ['certificates go in place though a restart is set', "policy.delivery === 'sds' && ", ''],
  ['a crash is answered in place', ' && isByItself', ''],
  [
    'a signal is answered by a delivery',
    "triggers.every((trigger) => trigger === 'certificates')",
    "triggers.includes('certificates') || triggers.includes('signal')",
  ],
  [
    'what was not loaded is delivered again and again',
    'isByItself && notInPlace === undefined',
    'isByItself',
  ],
  [
    'a new bootstrap is committed by a delivery',
    'return sameDesired({ ...committed, certificates: target.certificates }, target);',
    'return true;',
  ],
  ['a failing Envoy is given certificates', ' && !isFailing(launch)', ''],
  [
    'both of two are given the same bootstrap',
    'target: { ...target, certificates }',
    'target: { ...handover.target, certificates }',
  ],
]);

export const ofDeliveryEnd = mutantsOf('delivery-end.ts', [
  [
    'any delivery commits any handover',
    "if (handover?.id !== event.handover || handover.step !== 'delivering') return turn;\n  const { certificates }",
    'if (handover === undefined) return turn;\n  const { certificates }',
  ],
  [
    'a launch is not known to have what it was given',
    'target: certificates === undefined ? target : { ...target, certificates },',
    'target,',
  ],
  ['a crash goes back to the certificates before', 'committed: handover.target,', ''],
  [
    'a delivery is reported and goes on',
    "setState(reportEnd(committed, 'committed'), { handover: undefined })",
    "reportEnd(committed, 'committed')",
  ],
  ['a failed delivery stays in place', "notInPlace: event.problems.join(' ')", '...{}'],
]);

export const ofProof = mutantsOf('proof.ts', [
  [
    'a launch that is to be proved is committed at LIVE',
    'if (handover === undefined || !event.awaitsProof)',
    'if (handover === undefined || event.awaitsProof)',
  ],
  ['who asked is told twice', '{ ...handover, requests: [] }', 'handover'],
  [
    'the proof of one launch is that of another',
    'if (turn.state.proving?.launch !== launch) return turn;\n  return settleProof(patchLaunch',
    'return settleProof(patchLaunch',
  ],
  ['a failed proof is a success', "result: 'unproved' as const", "result: 'committed' as const"],
  ['a failed proof is forgotten', '{ unproved: problem }', '{}'],
  [
    'who ended unproved keeps its asker waiting',
    'return settleProof(turn, `${launch} ended before it could be asked for its certificates`);',
    'return turn;',
  ],
  [
    'the next launch forgets who waits for a proof',
    'const settled = settleProof(turn, `${event.launch} took over before`);',
    'const settled = turn;',
  ],
  ['a proof is awaited again', 'proving: undefined, lastEnd: end', 'lastEnd: end'],
]);

export const ofCertificatesSeen = mutantsOf('certificates-seen.ts', [
  [
    'the time left is that of the look',
    'endMs - (certificates.seen.wallMs + atMs - certificates.atMs)',
    'endMs - certificates.seen.wallMs',
  ],
  ['the last leaf to end counts', 'Math.min(...kept.leaves', 'Math.max(...kept.leaves'],
  ['ends of sets nobody uses are kept', 'used.has(digest)', 'true'],
  ['ends of sets in use are forgotten', '...kept, ...endOf(seen.kept)', '...endOf(seen.kept)'],
  ['a certificate is fresh to its end', "return 'ended'", "return 'fresh'"],
]);

export const ofJitter = mutantsOf('reconcile.ts', [
  [
    'jitter goes on past the end of the certificates',
    'Math.min(mostMs, policy.jitterMs) * turn.chance',
    'policy.jitterMs * turn.chance',
  ],
  [
    'whoever has no time for the whole jitter begins in the same second',
    'Math.min(mostMs, policy.jitterMs) * turn.chance',
    'Math.min(mostMs, policy.jitterMs * turn.chance)',
  ],
  ['the margin is not kept', 'leftMs - policy.expiryMarginMs', 'leftMs'],
  ['a clock set ahead is not noticed', 'armedMs <= atMs + mostMs + 1', 'true'],
  ['with no time left jitter is thrown', 'if (mostMs <= 0) return startChange(turn);', ''],
]);
