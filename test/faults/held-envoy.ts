/** A real Envoy that can be held as the fake one can: a script in front of it, and what it asks. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Gates, gatesIn } from '../support/gates.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';

export interface HeldEnvoy extends Gates {
  readonly binary: string;
  /** The bootstrap with a control plane in it, for whose answer Envoy waits before it is LIVE. */
  complete(bootstrap: StaticBootstrap): object;
  close(): Promise<void>;
}

interface StaticBootstrap {
  readonly static_resources: { readonly clusters: readonly object[] };
}

/** How long a gate keeps anyone, in hundredths of a second: what is forgotten there ends. */
const LONGEST_HOLD = 12_000;

/** Its files lie in the folder, which must be there. */
export async function holdEnvoy(folder: string, envoy: string): Promise<HeldEnvoy> {
  const files = gatesIn(join(folder, 'gates'));
  const control = await startControlPlane();
  const binary = join(folder, 'held-envoy');
  await writeFile(binary, scriptFor(join(folder, 'gates'), envoy), { mode: 0o700 });
  return {
    binary,
    hold: (gate) => (gate === 'initialization' ? control.hold() : files.hold(gate)),
    isHeld: (gate) => (gate === 'initialization' ? control.isHeld() : files.isHeld(gate)),
    letGo: (gate) => (gate === 'initialization' ? control.letGo() : files.letGo(gate)),
    complete: (bootstrap) => withControlPlane(bootstrap, control),
    close: () => control.close(),
  };
}

/** `exec` keeps the process one and the same. */
function scriptFor(gates: string, envoy: string): string {
  return `#!/bin/sh
case " $* " in
*' --mode validate '*) gate='${gates}/validation' ;;
*' --restart-epoch '*) gate='${gates}/execution' ;;
*) gate= ;;
esac
if [ -n "$gate" ] && [ -e "$gate" ]; then
  : >"$gate.held"
  left=${LONGEST_HOLD}
  while [ -e "$gate" ] && [ "$left" -gt 0 ]; do sleep 0.01; left=$((left - 1)); done
fi
exec '${envoy}' "$@"
`;
}

function withControlPlane(
  { static_resources, ...rest }: StaticBootstrap,
  { bootstrapFields: { cluster, dynamic_resources } }: ControlPlane,
): object {
  const clusters = [...static_resources.clusters, cluster];
  return { ...rest, dynamic_resources, static_resources: { ...static_resources, clusters } };
}
