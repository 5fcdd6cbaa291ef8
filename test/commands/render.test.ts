import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runToEnd } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;

let world: World;

beforeEach(async () => {
  world = await openWorld();
});

afterEach(() => world.close());

const render = (settings: Readonly<Record<string, string>> = {}, ...words: string[]) =>
  runToEnd([PROGRAM, 'render', ...words], world.environment(settings));

async function put(name: string, content: string): Promise<string> {
  const path = join(world.folder, name);
  await writeFile(path, content);
  return path;
}

describe('baton render', () => {
  test('prints the bootstrap as canonical JSON and changes nothing', async () => {
    const bootstrap = await put('own.yaml', 'node: {id: b, cluster: a}\nadmin: {}\n');
    const { code, output } = await render({ BATON_BOOTSTRAP: bootstrap });
    expect(code).toBe(0);
    expect(JSON.parse(output)).toEqual({ admin: {}, node: { cluster: 'a', id: 'b' } });
    expect(output.indexOf('admin')).toBeLessThan(output.indexOf('cluster'));
    expect(output).toMatch(/^{.+}\n$/s);
    expect(await readdir(world.folder)).not.toContain('run');
  });

  test('has layers over it and values in it', async () => {
    const certificates = join(world.folder, 'certs');
    await mkdir(certificates);
    const { code, output } = await render({
      BATON_BOOTSTRAP: await put('own.yaml', 'a: "${CERT_DIR}/x"\nb: {c: "${SIZE:-1}"}'),
      BATON_BOOTSTRAP_LAYERS: await put('layer.yaml', 'b: {d: 2}'),
      BATON_CERT_DIRS: certificates,
      BATON_TEMPLATE_SIZE: '5',
    });
    expect({ code, rendered: JSON.parse(output) }).toEqual({
      code: 0,
      rendered: { a: `${certificates}/x`, b: { c: 5, d: 2 } },
    });
  });

  test('prints a command line that a shell takes as it is', async () => {
    const settings = { BATON_ENVOY_ARGS: `--service-node "it's $HOME"` };
    const { output } = await render(settings, '--epoch', '3', '--args');
    const line = output.trimEnd().split('\n').at(-1) ?? '';
    const words = execFileSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' });
    expect(words.split('\n')).toEqual(
      expect.arrayContaining([
        world.environment()['BATON_ENVOY_BINARY'],
        '--restart-epoch',
        '3',
        join(world.runDirectory, 'envoy-rev3.json'),
        "it's $HOME",
      ]),
    );
  });

  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['there are wrong settings', { BATON_JITTER: 'soon' }, /^baton: .*BATON_JITTER.*"soon"\.?\n$/],
    ['there is no bootstrap', { BATON_BOOTSTRAP: '/nowhere.yaml' }, /^baton: .*nowhere\.yaml.*\n$/],
    ['it needs certificates', { BATON_BOOTSTRAP: 'sidecar' }, /^baton: .*CERT_DIR.*\n$/],
  ])('ends with 78 and a line on standard error when %s', async (_, settings, says) => {
    const { code, output } = await render(settings);
    expect(output).toMatch(says);
    expect(code).toBe(78);
  });
});
