/** Every mutant there is. */
import { ofAsks, ofDrained } from './lists/asks.ts';
import { ofBootstrap, ofMergeLayers, ofSecretDiscovery } from './lists/bootstraps.ts';
import {
  ofCertificateFacts,
  ofCertificatePairs,
  ofCertificateProof,
  ofCertificateUse,
  ofCertificateVerdict,
  ofPemBlocks,
} from './lists/certificate-files.ts';
import {
  ofCertificatesSeen,
  ofDeliveryEnd,
  ofInPlace,
  ofJitter,
  ofProof,
  ofTakenBack,
} from './lists/certificates.ts';
import { ofFailures } from './lists/failures.ts';
import { ofHandover } from './lists/handover.ts';
import { ofHandoverEnd } from './lists/handover-end.ts';
import {
  ofAttempts,
  ofConnections,
  ofEnvoyArgsCheck,
  ofFailureCause,
  ofHotRestartNames,
  ofMemoryHeadroom,
  ofSharedMemoryLayout,
  ofUnshareableListeners,
} from './lists/launches.ts';
import { ofLifecycle } from './lists/lifecycle.ts';
import { ofModes } from './lists/modes.ts';
import { ofChanges, ofHangs, ofReconcile, ofTokens, ofTurn } from './lists/others.ts';
import {
  ofAppProbes,
  ofEnvoyLine,
  ofExpositionJudge,
  ofMakingRoom,
  ofPlainSamples,
  ofSettle,
  ofVisible,
} from './lists/outside.ts';
import { ofRedirect } from './lists/redirect.ts';
import { ofRetiring } from './lists/retiring.ts';
import {
  ofDrainedStatus,
  ofRestartProgress,
  ofStandbyStatus,
  ofSuppressedTriggers,
} from './lists/status.ts';
import { ofStopping } from './lists/stopping.ts';
import {
  ofDryRun,
  ofGivenUp,
  ofGoodEnd,
  ofHistory,
  ofReadiness,
  ofRepeatable,
  ofRepeats,
  ofStopPlan,
  ofWaits,
} from './lists/told.ts';
import { ofTries } from './lists/tries.ts';
import type { Mutant } from './mutant.ts';

export const mutants: readonly Mutant[] = [
  ...ofLifecycle,
  ...ofAsks,
  ...ofDrained,
  ...ofHandover,
  ...ofHandoverEnd,
  ...ofModes,
  ...ofFailures,
  ...ofTries,
  ...ofRetiring,
  ...ofStopping,
  ...ofTurn,
  ...ofTokens,
  ...ofReconcile,
  ...ofChanges,
  ...ofRedirect,
  ...ofHangs,
  ...ofInPlace,
  ...ofDeliveryEnd,
  ...ofProof,
  ...ofTakenBack,
  ...ofCertificatesSeen,
  ...ofJitter,
  ...ofDryRun,
  ...ofGivenUp,
  ...ofGoodEnd,
  ...ofHistory,
  ...ofReadiness,
  ...ofRepeatable,
  ...ofRepeats,
  ...ofStopPlan,
  ...ofWaits,
  ...ofCertificateVerdict,
  ...ofCertificatePairs,
  ...ofCertificateProof,
  ...ofCertificateUse,
  ...ofCertificateFacts,
  ...ofPemBlocks,
  ...ofMemoryHeadroom,
  ...ofUnshareableListeners,
  ...ofFailureCause,
  ...ofAttempts,
  ...ofConnections,
  ...ofSharedMemoryLayout,
  ...ofHotRestartNames,
  ...ofEnvoyArgsCheck,
  ...ofBootstrap,
  ...ofMergeLayers,
  ...ofSecretDiscovery,
  ...ofSettle,
  ...ofMakingRoom,
  ...ofAppProbes,
  ...ofEnvoyLine,
  ...ofExpositionJudge,
  ...ofPlainSamples,
  ...ofVisible,
  ...ofSuppressedTriggers,
  ...ofStandbyStatus,
  ...ofDrainedStatus,
  ...ofRestartProgress,
];
