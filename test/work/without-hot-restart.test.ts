import { describe, expect, test } from 'vitest';
import { epochOf, lineageIdOf } from '../../src/core/model.ts';
import { sparingDomain } from '../../src/work/without-hot-restart.ts';
import { type DomainPlan, fakeDomain, refusal } from '../support/fake-ports.ts';

const G1 = lineageIdOf(1);
const G2 = lineageIdOf(2);
const joining = { epoch: epochOf(1), hotRestartVersion: '11.104' };
const noMemory = refusal('Cannot reserve a base id: ENOENT.');

interface Plan extends DomainPlan {
  readonly isOff?: boolean;
  readonly isNotBuiltIn?: boolean;
}

function domainOf({ isOff = false, isNotBuiltIn = false, ...plan }: Plan) {
  const real = fakeDomain(plan);
  const domain = sparingDomain(real, { isOff, isNotBuiltIn: async () => isNotBuiltIn });
  return { real, domain };
}

describe('an Envoy without hot restart', () => {
  test.each<[string, Plan]>([
    ['by its arguments', { isOff: true }],
    ['by its build', { isNotBuiltIn: true }],
  ])('%s is started where no base id can be had', async (_, plan) => {
    const { real, domain } = domainOf({ ...plan, reserve: noMemory });
    expect(await domain.reserve(G1)).toEqual({ ok: true, value: 0 });
    expect(await domain.reserve(G1)).toEqual({ ok: true, value: 0 });
    expect(await domain.repair(G1)).toEqual({ ok: true, value: 'wasSound' });
    expect(await domain.obstacleToJoin(G1, joining)).toBe('hot restart is switched off');
    domain.release(G1);
    expect(real.reserved.size).toBe(0);
  });
});

describe('an Envoy with hot restart', () => {
  test('has a base id of its own until it is released', async () => {
    const { real, domain } = domainOf({});
    await domain.reserve(G1);
    await domain.reserve(G2);
    expect(real.reserved.size).toBe(2);
    expect(await domain.repair(G1)).toEqual({ ok: true, value: 'repaired' });
    expect(await domain.obstacleToJoin(G1, joining)).toBeUndefined();
    domain.release(G1);
    expect([...real.reserved.keys()]).toEqual([G2]);
  });

  test('is not started where no base id can be had', async () => {
    expect(await domainOf({ reserve: noMemory }).domain.reserve(G1)).toEqual(noMemory);
  });
});
