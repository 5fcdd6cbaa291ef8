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
    'if (delivery?.handover !== event.handover) return turn;\n  const loaded',
    'if (delivery === undefined) return turn;\n  const loaded',
  ],
  [
    'a launch is not known to have what it was given',
    'target: { ...target, certificates } }',
    'target }',
  ],
  ['a launch stays unproved with others', 'unproved: undefined, target', 'target'],
  ['a crash goes back to the certificates before', '{ committed: handover.target }', '{}'],
  [
    'certificates that are served stay given up',
    'withoutRefusal(settleProof(loaded, undefined), handover.target.certificates)',
    'settleProof(loaded, undefined)',
  ],
  [
    'a delivery is reported and goes on',
    "setState(reportEnd(committed, 'committed'), { handover: undefined })",
    "reportEnd(committed, 'committed')",
  ],
  [
    'a delivery whose handover was overtaken is not the truth',
    'return withTruth(loaded, delivery);',
    'return loaded;',
  ],
  ['a failed delivery stays in place', "{ notInPlace: event.problems.join(' ') }", '{}'],
  ['newer certificates are not tried in place', 'isOutdated(settled) ? {}', 'false ? {}'],
  [
    'who asked meanwhile gets a restart more',
    'startChecks(withPending(setHandover(settled, { ...open, ...why })))',
    'startChecks(setHandover(settled, { ...open, ...why }))',
  ],
]);

export const ofTakenBack = mutantsOf('changes.ts', [
  [
    'a change that was taken back is gone through with',
    'return isOfChanges && isServed && changesOf(state, policy).length === 0;',
    'return false;',
  ],
  [
    'who asked for a restart gets none when a change is taken back',
    ' && handover.triggers.every((one) => CHANGES.has(one))',
    '',
  ],
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
    'if (proving?.launch !== launch || isOvertaken) return turn;',
    'if (isOvertaken) return turn;',
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
  ['a proof is awaited again', 'proving: undefined, lastEnd', 'lastEnd'],
  ['a late proof hides what has ended since', 'isNewest ? end : lastEnd', 'end'],
  [
    'what is shown during a delivery counts',
    'proving?.launch !== launch || isOvertaken',
    'proving?.launch !== launch',
  ],
]);

export const ofCertificatesSeen = mutantsOf('certificates-seen.ts', [
  ['the time left is that of the look', 'seen.wallMs + atMs - seen.atMs', 'seen.wallMs'],
  [
    'the last leaf to end counts',
    'Math.min(...leaves.map(({ notAfterMs }) => notAfterMs))',
    'Math.max(...leaves.map(({ notAfterMs }) => notAfterMs))',
  ],
  ['sets nobody uses are kept', 'used.has(digest)', 'true'],
  ['sets in use are forgotten', '[...known, ...newest]', '[...newest]'],
  ['a certificate is fresh to its end', "return 'ended'", "return 'fresh'"],
  [
    'what is kept is taken for what is served with',
    'committed === undefined ? certificates?.seen.kept?.digest : committed.certificates',
    'certificates?.seen.kept?.digest',
  ],
  [
    'another set that is accepted counts as the same',
    ' && seen.kept?.digest === before.kept?.digest',
    '',
  ],
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
  [
    'a bootstrap is hurried for certificates that it does not bring',
    "changesOf(state, policy).includes('certificates')",
    'true',
  ],
]);
