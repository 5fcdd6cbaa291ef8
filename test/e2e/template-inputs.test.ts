/** Text from outside in a bootstrap: it is data, it is bounded, and it reaches nothing else. */
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countConnections } from '../../src/core/connections.ts';
import { type CommandEnd, runToEnd } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;

const HOSTILE = [
  `"},"admin":{"address":{}},"x":"`,
  `'\n- injected: true\n# `,
  '{{ .Values.secret }} {% raw %} <%= 1 %>',
  '${PATH} $${HOME} $(HOST_IP) $& $1',
  '&anchor *alias <<: !!js/function',
  '</script><!-- ]]>',
  '\u2028\u2029\u0085\uFEFF\u202E',
  '\t\r\n \\ \\u0000 \\"',
  '%00%0a ; rm -rf / | `id`',
  'zwölf 十二 🔑',
  '012',
  'NO',
  '~',
  '0x1F',
  '1e3',
  '.inf',
  '2001-01-01',
];

let world: World;

beforeEach(async () => {
  world = await openWorld();
});

afterEach(() => world.close());

/** Of a bootstrap with this text, by `baton render`. */
async function render(
  text: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<CommandEnd> {
  const path = join(world.folder, 'own.yaml');
  await writeFile(path, text);
  return runToEnd([PROGRAM, 'render'], world.environment({ BATON_BOOTSTRAP: path, ...settings }));
}

test('whatever the environment says of the node, Envoy is told exactly that and nothing else', async () => {
  const metadata = Object.fromEntries(HOSTILE.map((text, index) => [`K${index}`, text]));
  const texts = Object.entries(metadata).map(([name, text]) => [`ISTIO_META_${name}`, text]);
  await writeFile(join(world.folder, 'layer.yaml'), 'node: { metadata: "${NODE_METADATA}" }\n');
  const agent = await world.startReadyAgent({
    ...Object.fromEntries(texts),
    ISTIO_METAJSON_ALL: JSON.stringify(metadata),
    ISTIO_METAJSON_KEYS: '{"__proto__": {"polluted": true}, "constructor": 1, "prototype": 2}',
    BATON_BOOTSTRAP_LAYERS: join(world.folder, 'layer.yaml'),
  });

  const { output } = await agent.baton('request', 'GET', '/server_info');
  const { node } = JSON.parse(output);

  expect(node).toMatchObject({ id: 'test', cluster: 'test' });
  const { KEYS: keys, ...others } = node.metadata;
  expect(others).toEqual({ ...metadata, ALL: metadata });
  expect(Object.entries(keys).sort()).toEqual([
    ['__proto__', { polluted: true }],
    ['constructor', 1],
    ['prototype', 2],
  ]);
  expect(await agent.status()).toMatchObject({ ready: true });
});

test('whatever a value of a template is, it is a text where the template has one', async () => {
  const names = HOSTILE.map((_, index) => `X${index}`);
  const entries = names.map((name) => `  - { id: "a\${${name}}b", cluster: "\${${name}}" }\n`);
  const given = HOSTILE.map((text, index) => [`BATON_TEMPLATE_X${index}`, text]);

  const { code, output } = await render(
    `nodes:\n${entries.join('')}`,
    Object.fromEntries(given) as Record<string, string>,
  );

  expect(code, output).toBe(0);
  expect(JSON.parse(output)).toEqual({
    nodes: HOSTILE.map((text) => ({ id: `a${text}b`, cluster: text })),
  });
});

describe('a template', () => {
  test('can name nothing but its own variables: no setting, no environment, no file', async () => {
    const unknown = ['PATH', 'HOME', 'SERVICE_TOKEN', 'BATON_RUN_DIR'];
    const broken = ['process.env.PATH', 'file:/etc/passwd', '`id`'];
    const entries = [...unknown, ...broken].map((name) => `  - "\${${name}}"\n`);

    const { code, output } = await render(`list:\n${entries.join('')}`, {
      SERVICE_TOKEN: 'canary-token',
    });

    expect(code).toBe(78);
    for (const name of unknown) expect(output).toMatch(new RegExp(`${name}} at .* has this name`));
    expect(output.match(/begins no variable/g)).toHaveLength(broken.length);
    expect(output).not.toMatch(/canary|root:/);
  });

  test.each([
    ['/etc/passwd', /Expected BATON_BOOTSTRAP to be sidecar or the path of a/],
    ['../../../etc/passwd', /Expected BATON_BOOTSTRAP to be sidecar or the path of a/],
    ['LINK/etc/passwd', /Cannot read .*link\.yaml of BATON_BOOTSTRAP: (line|it)/],
    ['LINK/dev/zero', /Cannot read .*link\.yaml of BATON_BOOTSTRAP: it is not a regular file/],
    ['LINK/proc/self/environ', /Cannot read .*link\.yaml of BATON_BOOTSTRAP: (line|it)/],
  ])('that is %s is refused, and nothing of it is shown', async (where, says) => {
    const isLink = where.startsWith('LINK');
    const path = isLink ? join(world.folder, 'link.yaml') : where;
    if (isLink) await symlink(where.slice('LINK'.length), path);
    const settings = { BATON_BOOTSTRAP: path, SERVICE_TOKEN: 'canary-token' };

    const { code, output } = await runToEnd([PROGRAM, 'render'], world.environment(settings));

    expect(code).toBe(78);
    expect(output).toMatch(says);
    expect(output).not.toMatch(/root:|canary/);
  });
});

describe('a regular expression of a user', () => {
  /** Takes longer than anyone lives to find out that this text does not match. */
  const EVIL = '(a+)+$';
  const TEXT = `${'a'.repeat(60)}!`;

  test('is passed on as it is and never tried here', async () => {
    const { code, output } = await render(
      'node: { id: "${TEXT}" }\nstats_config: { stats_tags: [{ tag_name: t, regex: "${RE}" }] }',
      { BATON_TEMPLATE_RE: EVIL, BATON_TEMPLATE_TEXT: TEXT },
    );

    expect(code).toBe(0);
    expect(JSON.parse(output)).toEqual({
      node: { id: TEXT },
      stats_config: { stats_tags: [{ tag_name: 't', regex: EVIL }] },
    });
  });

  test('is a mere name where names of listeners are to be given', () => {
    const stat = { name: `listener.${TEXT}.downstream_cx_active`, value: 3 };

    expect(countConnections(JSON.stringify({ stats: [stat] }), [EVIL, '.*'])).toBe(3);
    expect(countConnections(JSON.stringify({ stats: [stat] }), [TEXT])).toBe(0);
  });

  test('that is too long is refused by name', async () => {
    const { code, output } = await render('node: { id: "${RE}" }', {
      BATON_TEMPLATE_RE: EVIL.repeat(20_000),
    });

    expect(code).toBe(78);
    expect(output).toMatch(/^.*BATON_TEMPLATE_RE/);
    expect(output.length).toBeLessThan(1_000);
  });
});
