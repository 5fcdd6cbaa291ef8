/** Materials of a bootstrap without files, for tests that look at what becomes of them. */
import { digestOf } from '../../src/core/model.ts';
import type { Result } from '../../src/ports.ts';
import type { BootstrapMaterial } from '../../src/work/bootstrap-material.ts';

/** Its bootstrap is its name and the paths it is filled with. */
export function materialNamed(name: string, needsCertificates = false): Result<BootstrapMaterial> {
  const filled: BootstrapMaterial['named'] = (paths) => ({ name, ...paths });
  return {
    ok: true,
    value: {
      digest: digestOf(name),
      merged: {},
      needsCertificates,
      named: filled,
      launched: filled,
      secrets: () => new Map(),
    },
  };
}
