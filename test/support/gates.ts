/** Places at which a test holds launches of Envoy until it lets them go: files in a folder. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `validation`: Envoy's own validation has read nothing yet. `execution`: the process is there and
 * has not spoken to its parent. `initialization`: its parent's admin is closed, its own answers.
 * `retirement`: its child has told it to go; the fake alone waits there.
 */
export type Gate = 'validation' | 'execution' | 'initialization' | 'retirement';

export const GATES: readonly Gate[] = ['validation', 'execution', 'initialization', 'retirement'];

export interface Gates {
  /** From now on launches wait at this gate. */
  hold(gate: Gate): void;
  /** Whether one has come to it since it was last shut. */
  isHeld(gate: Gate): boolean;
  letGo(gate: Gate): void;
}

/** A gate is shut while its file is there; who comes to a shut one leaves a file beside it. */
export function gatesIn(folder: string): Gates {
  mkdirSync(folder, { recursive: true });
  return {
    hold(gate) {
      rmSync(join(folder, `${gate}.held`), { force: true });
      writeFileSync(join(folder, gate), '');
    },
    isHeld: (gate) => existsSync(join(folder, `${gate}.held`)),
    letGo: (gate) => rmSync(join(folder, gate), { force: true }),
  };
}
