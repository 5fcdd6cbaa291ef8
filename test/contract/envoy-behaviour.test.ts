/** What Baton relies on in Envoy: one table that the real one and the fake are both held to. */
import { test } from 'vitest';
import { envoyBinary } from '../support/envoy-binary.ts';
import { createEnvoyUnderTest, createLineage } from '../support/envoy-under-test.ts';
import { adminRows } from './admin-rows.ts';
import { certificateRows } from './certificate-rows.ts';
import { commandRows } from './command-rows.ts';
import { endingRows } from './ending-rows.ts';
import { failureRows } from './failure-rows.ts';
import { handoverRows } from './handover-rows.ts';

// The slow ones first: rows run side by side.
const rows = [
  ...failureRows,
  ...handoverRows,
  ...endingRows,
  ...adminRows,
  ...certificateRows,
  ...commandRows,
];
const table = rows.flatMap((row) => [
  { kind: 'real' as const, ...row },
  { kind: 'fake' as const, ...row },
]);

test.concurrent.each(table)('$kind Envoy: $behaviour', async ({ kind, holds }) => {
  const envoy = createEnvoyUnderTest(kind);
  try {
    await holds(envoy);
  } finally {
    await envoy.remove();
  }
});

test.concurrent.each(certificateRows)('real Envoy 1.36.4: $behaviour', async ({ holds }) => {
  const envoy = createLineage(envoyBinary('1.36.4'));
  try {
    await holds(envoy);
  } finally {
    await envoy.remove();
  }
});
