import { describe, expect, test } from 'vitest';
import { showVersion, type VersionFace } from '../../src/commands/version.ts';
import type { Result } from '../../src/ports.ts';

const given = (value: string): Result<string> => ({ ok: true, value });
const missing: Result<string> = {
  ok: false,
  problems: [{ about: 'BATON_ENVOY_BINARY', message: 'Cannot find Envoy: it is not on PATH.' }],
};

describe('version', () => {
  test('prints what belongs together', async () => {
    expect(await versionText({})).toBe(
      'baton 1.2.3\nnode v20.20.0\nenvoy 1.40.0 (/usr/bin/envoy)\nhot restart 11.104\n',
    );
  });

  test('says why there is no Envoy', async () => {
    expect(await versionText({ findEnvoy: async () => missing })).toBe(
      'baton 1.2.3\nnode v20.20.0\nenvoy Cannot find Envoy: it is not on PATH.\n',
    );
  });
});

async function versionText(other: Partial<VersionFace>): Promise<string> {
  let printed = '';
  const exitCode = await showVersion({
    print: (text) => {
      printed += text;
    },
    batonVersion: '1.2.3',
    nodeVersion: 'v20.20.0',
    findEnvoy: async () => given('/usr/bin/envoy'),
    envoyVersion: async () => given('1.40.0'),
    hotRestartVersion: async () => given('11.104'),
    ...other,
  });
  expect(exitCode).toBe(0);
  return printed;
}
