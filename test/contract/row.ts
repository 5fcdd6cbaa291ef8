import type { EnvoyUnderTest } from '../support/envoy-under-test.ts';

/** One thing Baton relies on; `holds` rejects where it doesn't. */
export interface Row {
  readonly behaviour: string;
  readonly holds: (envoy: EnvoyUnderTest) => Promise<void>;
}
