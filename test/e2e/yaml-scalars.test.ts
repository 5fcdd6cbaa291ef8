/** Holds what an unquoted YAML scalar is taken for to what the real Envoy takes it for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import { plainScalar } from '../../src/core/plain-scalar.ts';
import { type EnvoyVersion, envoyBinary } from '../support/envoy-binary.ts';

const SCALARS = [
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'yEs', 'n', 'N', 'no', 'No', 'NO', 'nO'],
  ...[
    'on',
    'On',
    'ON',
    'oN',
    'off',
    'Off',
    'OFF',
    'true',
    'True',
    'TRUE',
    'tRuE',
    'false',
    'FALSE',
  ],
  ...['', '~', 'null', 'Null', 'NULL', 'nUll'],
  ...['0', '-0', '+5', '-5', '00', '007', '012', '-012', '0755', '08', '089'],
  ...['0x', '0x1F', '0X1f', '-0x1F', '+0x1f', '0o17', '0b11', '1_000'],
  ...['1.0', '-1.5', '.5', '5.', '1e3', '1E3', '.inf', '-.inf', '.nan'],
  ...['2147483647', '2147483648', '-2147483648', '-2147483649', '+9007199254740993'],
  ...[
    '9223372036854775807',
    '9223372036854775808',
    '-9223372036854775808',
    '0777777777777777777777',
  ],
  ...['0x7FFFFFFFFFFFFFFF', '0x8000000000000000', '0x1FFFFFFFFFFFFF', '12345678901234567890'],
  ...['2001-01-01', '1:30', '<<', 'text'],
];

test.each(['1.40.0', '1.36.4'] as const)(
  'Envoy %s reads plain scalars as expected',
  async (version) => {
    const entries = SCALARS.map((scalar, at) => `    k${at}: ${scalar}\n`).join('');

    const metadata = await metadataReadBy(version, `node:\n  metadata:\n${entries}`);

    const read = SCALARS.map((scalar, at) => [scalar, metadata[`k${at}`]]);
    expect(read).toEqual(SCALARS.map((scalar) => [scalar, plainScalar(scalar)]));
  },
);

async function metadataReadBy(version: EnvoyVersion, yaml: string) {
  const folder = await mkdtemp(join(tmpdir(), 'yaml-scalars-'));
  const socketPath = join(folder, 'admin.sock');
  const bootstrapPath = join(folder, 'envoy.yaml');
  await writeFile(bootstrapPath, `${yaml}admin: {address: {pipe: {path: ${socketPath}}}}\n`);
  const args = ['--config-path', bootstrapPath, '--disable-hot-restart', '--concurrency', '1'];
  const child = spawn(envoyBinary(version), args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    const body = await vi.waitFor(() => get(socketPath, '/server_info'), { timeout: 30_000 });
    return JSON.parse(body).node.metadata;
  } finally {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true });
  }
}

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false }, (response) => {
      text(response).then(resolve, reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}
