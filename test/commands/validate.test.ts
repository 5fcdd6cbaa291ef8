import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { issueAuthority } from '../support/certificates.ts';
import { runToEnd } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;

let world: World;

beforeEach(async () => {
  world = await openWorld();
});

afterEach(() => world.close());

const validate = (settings: Readonly<Record<string, string>> = {}) =>
  runToEnd([PROGRAM, 'validate'], world.environment(settings));

async function put(name: string, content = ''): Promise<string> {
  const path = join(world.folder, name);
  await writeFile(path, content);
  return path;
}

describe('baton validate', () => {
  test('says that all is in order, and changes nothing', async () => {
    const before = await readdir(world.folder);
    expect(await validate()).toMatchObject({
      code: 0,
      stderr: '',
      output: 'settings, certificates and bootstrap are in order\n',
    });
    expect(await readdir(world.folder)).toEqual(before);
  });

  test('tries the built-in template with the certificates there are', async () => {
    const certificates = join(world.folder, 'certs');
    await mkdir(certificates);
    const authority = await issueAuthority();
    const leaf = await authority.issueLeaf({ commonName: 'service.test' });
    await put('certs/tls.crt', leaf.certificatePem);
    await put('certs/tls.key', leaf.keyPem);
    await put('certs/ca.crt', authority.certificatePem);
    const settings = { BATON_BOOTSTRAP: 'sidecar', BATON_CERT_DIRS: certificates };
    expect(await validate(settings)).toMatchObject({ code: 0 });
    await put('certs/tls.key', (await authority.issueLeaf({ commonName: 'other.test' })).keyPem);
    const { code, output } = await validate(settings);
    expect(output).toMatch(/^baton: .*tls\.(crt|key)/);
    expect(code).toBe(78);
  });

  test.each<[string, () => Promise<Readonly<Record<string, string>>>, RegExp]>([
    [
      'Envoy is not there',
      async () => ({ BATON_ENVOY_BINARY: '/nowhere/envoy' }),
      /Expected BATON_ENVOY_BINARY to be an executable file, got "\/nowhere\/envoy" \(ENOENT\)/,
    ],
    ['a setting is wrong', async () => ({ BATON_JITTER: 'soon' }), /BATON_JITTER/],
    [
      'Envoy refuses the bootstrap',
      async () => ({ BATON_BOOTSTRAP: await put('own.yaml', 'no_such_field: 1') }),
      /no_such_field/,
    ],
    [
      'the bootstrap is broken',
      async () => ({ BATON_BOOTSTRAP: await put('own.yaml', 'a: [1') }),
      /own\.yaml.*line 1/,
    ],
    ['it needs certificates', async () => ({ BATON_BOOTSTRAP: 'sidecar' }), /CERT_DIR/],
    [
      'there is no such binary',
      async () => ({ BATON_ENVOY_BINARY: '/nowhere/envoy' }),
      /\/nowhere\/envoy/,
    ],
  ])('ends with 78 and one line when %s, and leaves nothing', async (_, settings, says) => {
    const given = await settings();
    const before = await readdir(world.folder);
    const { code, output } = await validate(given);
    expect(output).toMatch(/^baton: .*\n$/);
    expect(output).toMatch(says);
    expect(code).toBe(78);
    expect(await readdir(world.folder)).toEqual(before);
  });
});
