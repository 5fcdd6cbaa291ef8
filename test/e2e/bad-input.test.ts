import { once } from 'node:events';
import { access, chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { freePort, openWorld, type World } from '../support/e2e-world.ts';

let world: World;

beforeEach(async () => {
  world = await openWorld();
});

afterEach(() => world.close());

type Place = (name: string) => string;

interface Row {
  readonly settings?: (inFolder: Place) => Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly code: number;
  /** In the last line that is printed. */
  readonly says: RegExp;
}

const rows: Readonly<Record<string, Row>> = {
  'no such bootstrap': {
    settings: (at) => ({ BATON_BOOTSTRAP: at('nowhere.yaml') }),
    code: 78,
    says: /nowhere\.yaml of BATON_BOOTSTRAP:/,
  },
  'no such template': {
    settings: () => ({ BATON_BOOTSTRAP: 'sidecars' }),
    code: 78,
    says: /BATON_BOOTSTRAP.*sidecar/,
  },
  'no such layer': {
    settings: (at) => ({ BATON_BOOTSTRAP_LAYERS: at('nowhere.yaml') }),
    code: 78,
    says: /nowhere\.yaml of BATON_BOOTSTRAP_LAYERS:/,
  },
  'a layer that is no YAML': {
    files: { 'layer.yaml': 'a: [1' },
    settings: (at) => ({ BATON_BOOTSTRAP_LAYERS: at('layer.yaml') }),
    code: 78,
    says: /layer\.yaml.*line 1/,
  },
  'a bootstrap that is no YAML': {
    files: { 'broken.yaml': 'a: 1\nb: {c' },
    settings: (at) => ({ BATON_BOOTSTRAP: at('broken.yaml') }),
    code: 78,
    says: /broken\.yaml.*line 2/,
  },
  'a bootstrap with a field Envoy does not know': {
    files: { 'unknown.yaml': 'no_such_field: 1' },
    settings: (at) => ({ BATON_BOOTSTRAP: at('unknown.yaml') }),
    code: 78,
    says: /no_such_field/,
  },
  'a bootstrap with a name that has no value': {
    files: { 'unfilled.yaml': 'node: { id: "${NOBODY}" }' },
    settings: (at) => ({ BATON_BOOTSTRAP: at('unfilled.yaml') }),
    code: 78,
    says: /BATON_TEMPLATE_NOBODY/,
  },
  'no such certificate folder': {
    settings: (at) => ({ BATON_BOOTSTRAP: 'sidecar', BATON_CERT_DIRS: at('certs') }),
    code: 78,
    says: /BATON_CERT_DIRS|\/certs/,
  },
  'a certificate without its key': {
    files: { 'tls.crt': 'no certificate' },
    settings: (at) => ({ BATON_BOOTSTRAP: 'sidecar', BATON_CERT_DIRS: at('.') }),
    code: 78,
    says: /tls\.crt/,
  },
  'no such binary': {
    settings: (at) => ({ BATON_ENVOY_BINARY: at('envoy') }),
    code: 127,
    says: /BATON_ENVOY_BINARY.*ENOENT/,
  },
  'a binary that may not be executed': {
    files: { envoy: 'not a program' },
    settings: (at) => ({ BATON_ENVOY_BINARY: at('envoy') }),
    code: 127,
    says: /BATON_ENVOY_BINARY.*EACCES/,
  },
  'no binary at all': {
    settings: () => ({ BATON_ENVOY_BINARY: '' }),
    code: 78,
    says: /BATON_ENVOY_BINARY/,
  },
  'a run directory that is a file': {
    files: { file: '' },
    settings: (at) => ({ BATON_RUN_DIR: at('file') }),
    code: 73,
    says: /BATON_RUN_DIR/,
  },
  'an unknown setting': {
    settings: () => ({ BATON_DRAIN_TIMES: '3s' }),
    code: 78,
    says: /BATON_DRAIN_TIMES.*BATON_DRAIN_TIME\?/,
  },
};

describe('baton run', () => {
  test.each(Object.entries(rows))('given %s, says so and ends with its code', async (_, row) => {
    const inFolder = (name: string) => join(world.folder, name);
    for (const [name, content] of Object.entries(row.files ?? {})) {
      await writeFile(inFolder(name), content);
    }

    const { code, output } = await world.runAgent(row.settings?.(inFolder));

    expect(output.trimEnd().split('\n').at(-1)).toMatch(row.says);
    expect(code).toBe(row.code);
    expectNoStackIn(output);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('names all wrong settings at once', async () => {
    const { code, output } = await world.runAgent({
      BATON_DRAIN_TIME: 'soon',
      BATON_STATUS_PORT: '70000',
      BATON_HANDOVER: 'warm',
    });

    expect(code).toBe(78);
    const lines = output.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { reason: expect.stringMatching(/BATON_HANDOVER .*"warm"/) },
      { reason: expect.stringMatching(/BATON_DRAIN_TIME .*"soon"/) },
      { reason: expect.stringMatching(/BATON_STATUS_PORT .*"70000"/) },
    ]);
    expect(await readdir(world.folder)).not.toContain('run');
  });

  test.each([
    ['BATON_STATUS_PORT', /BATON_STATUS_PORT/],
    ['BATON_ADMIN_PORT', /BATON_ADMIN_PORT/],
  ])('given a port in use as %s, says so and ends with code 98', async (name, says) => {
    const port = await freePort();
    const holder = createServer().listen(port, '127.0.0.1');
    await once(holder, 'listening');
    try {
      const { code, output } = await world.runAgent({ [name]: `${port}` });

      expect(code).toBe(98);
      expect(output).toMatch(says);
      expect(output).toContain(`port ${port}`);
      expectNoStackIn(output);
      expect(await world.leftOvers()).toEqual([]);
    } finally {
      holder.close();
    }
  });

  test('given a port in use, leaves no pipe behind that was still in the making', async () => {
    const place = join(world.folder, 'bin');
    const slow = `#!/bin/sh\nsleep 0.2\nPATH=/usr/bin:/bin mkfifo "$@"\n: > ${place}/made\n`;
    await mkdir(place);
    await writeFile(join(place, 'mkfifo'), slow, { mode: 0o755 });
    const holder = createServer().listen(world.statusPort, '127.0.0.1');
    await once(holder, 'listening');
    try {
      const { code } = await world.runAgent({ PATH: `${place}:${process.env['PATH']}` });

      expect(code).toBe(98);
      await vi.waitFor(() => access(join(place, 'made')), 20_000);
      expect(await world.leftOvers()).toEqual([]);
    } finally {
      holder.close();
    }
  });

  test('given a bootstrap with a port in use, ends with code 98 without spending tokens', async () => {
    const holder = createServer().listen(world.port, '127.0.0.1');
    await once(holder, 'listening');
    try {
      const { code, output } = await world.runAgent();

      expect(code).toBe(98);
      expect(output).toMatch(new RegExp(`cannot bind '127\\.0\\.0\\.1:${world.port}'`));
      expect(output).not.toContain('next start scheduled');
      expect(await world.leftOvers()).toEqual([]);
    } finally {
      holder.close();
    }
  });

  test('given the run directory of another agent, leaves that one alone', async () => {
    const agent = await world.startReadyAgent();

    const { code, output } = await world.runAgent({ BATON_STATUS_PORT: '0' });

    expect(code).toBe(73);
    expect(output).toContain(`(pid ${agent.pid}`);
    expect(output.trimEnd().split('\n')).toHaveLength(1);
    expect(await agent.status()).toMatchObject({ ready: true });
    expect((await world.ask()).status).toBe(200);
  });

  test('given a run directory it may not write, says so and ends with code 73', async () => {
    const locked = join(world.folder, 'locked');
    await mkdir(locked);
    await chmod(world.folder, 0o755);
    await chown(locked, ROOT, ROOT).catch(() => chmod(locked, 0o500));
    const agent = world.startAgent({ BATON_RUN_DIR: join(locked, 'run') }, asAnotherUser());

    expect(await agent.ended).toMatchObject({ code: 73 });
    expect(JSON.parse(agent.stderr())).toMatchObject({
      ...{ msg: 'agent gives up', code: 73 },
      reason: expect.stringMatching(/^Cannot use .*BATON_RUN_DIR: .*EACCES.*$/),
    });
    expect(agent.stdout()).toBe('');
  });
});

const ROOT = 0;
const NOBODY = 65_534;
const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;

/** Root may write everywhere. */
function asAnotherUser(): readonly [string, ...string[]] {
  const program = [process.execPath, PROGRAM, 'run'] as const;
  if (process.getuid?.() !== ROOT) return program;
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...program];
}

function expectNoStackIn(output: string): void {
  expect(output).not.toMatch(/^\s+at /m);
  expect(output).not.toContain('this is a bug');
  expect(output).not.toContain('"stack"');
}
