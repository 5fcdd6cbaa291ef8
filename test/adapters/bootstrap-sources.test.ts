import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ReadBefore, readSources } from '../../src/adapters/bootstrap-sources.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootstrap-sources-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function treeOf(name: string, content: string) {
  const read = await readSources({ bootstrap: await write(name, content), layers: [] });
  if (!read.ok) throw new Error(read.problems[0]?.message);
  return read.value.base;
}

async function refusalOf(name: string, content: string | Buffer): Promise<string> {
  const path = await write(name, content);
  const read = await readSources({ bootstrap: path, layers: [] });
  if (read.ok) throw new Error('it was read');
  expect(read.problems.map(({ about }) => about)).toEqual(['BATON_BOOTSTRAP']);
  return (read.problems[0]?.message ?? '').replace(path, 'FILE');
}

test('the built-in template is read with its layers, and nothing is there to watch', async () => {
  const read = await readSources({ bootstrap: 'sidecar', layers: ['plaintext-inbound'] });

  expect(read).toMatchObject({ ok: true, value: { watchedPaths: [], layers: [{}] } });
});

test('files are read in their order, watched, and told apart by a digest of their bytes', async () => {
  const base = await write('base.yaml', 'a: 1');
  const layer = await write('layer.json', '{"b": 2}');

  const read = await readSources({ bootstrap: base, layers: [layer, 'plaintext-inbound'] });
  await write('base.yaml', 'a: 1 # the same, in other bytes');
  const again = await readSources({ bootstrap: base, layers: [layer, 'plaintext-inbound'] });

  if (!read.ok || !again.ok) throw new Error('not read');
  expect(read.value.base).toEqual({ a: 1 });
  expect(read.value.layers[0]).toEqual({ b: 2 });
  expect(read.value.watchedPaths).toEqual([base, layer]);
  expect(read.value.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(again.value.digest).not.toBe(read.value.digest);
});

test('a file is parsed again when its bytes are others, and not before', async () => {
  const bootstrap = await write('base.yaml', 'a: 1');
  const before: ReadBefore = new Map();
  const read = async () => {
    const result = await readSources({ bootstrap, layers: [] }, before);
    if (!result.ok) throw new Error('not read');
    return result.value.base;
  };

  const first = await read();
  await write('base.yaml', 'a: 1');
  const same = await read();
  await write('base.yaml', 'a: 2');
  const other = await read();

  expect(same).toBe(first);
  expect(other).toEqual({ a: 2 });
});

test('a file that cannot be read any more is a problem, whatever was read before', async () => {
  const bootstrap = await write('base.yaml', 'a: 1');
  const before: ReadBefore = new Map();
  await readSources({ bootstrap, layers: [] }, before);

  await write('base.yaml', 'a: [');

  expect(await readSources({ bootstrap, layers: [] }, before)).toMatchObject({ ok: false });
});

test('a file is read whole in however many pieces, up to 1 MiB', async () => {
  const long = 'x'.repeat(1_048_576 - 3);

  expect(await treeOf('long.yaml', `a: ${long}`)).toEqual({ a: long });
  expect(await refusalOf('longer.yaml', `a: ${long}x`)).toContain('it is larger than 1 MiB');
});

test('a link to a file is followed, as a Kubernetes volume needs', async () => {
  await write('target', 'a: 1');
  const link = join(folder, 'link.yaml');
  await symlink('target', link);

  expect(await readSources({ bootstrap: link, layers: [] })).toMatchObject({
    ok: true,
    value: { base: { a: 1 }, watchedPaths: [link] },
  });
});

test('unquoted scalars of YAML mean what they mean to Envoy, quoted ones are text', async () => {
  const yaml = 'a: [yes, 012, 1.5, ~, "yes", \'012\']\nb:\nc: |\n  on\n12: {~: 0x10}\n<<: x\n';

  expect(await treeOf('a.yaml', yaml)).toEqual({
    a: [true, 10, '1.5', null, 'yes', '012'],
    b: null,
    c: 'on\n',
    '12': { '~': 16 },
    '<<': 'x',
  });
});

test('numbers of JSON are numbers, and one that would be rounded stays text', async () => {
  const json = '{\n\t"a": [1.5, 1e3, -0.25, 18446744073709551615, "yes"],\n\t"b": [true, null]\n}';

  expect(await treeOf('a.json', json)).toEqual({
    a: [1.5, 1000, -0.25, '18446744073709551615', 'yes'],
    b: [true, null],
  });
});

test('aliases are written out, the latest anchor of a name counts', async () => {
  expect(await treeOf('a.yaml', 'a: &x [1]\nb: *x\nc: &x [2]\nd: *x')).toEqual({
    a: [1],
    b: [1],
    c: [2],
    d: [2],
  });
});

test('keys named like parts of a prototype are keys', async () => {
  const tree = await treeOf('a.yaml', '__proto__: {x: 1}\nconstructor: 2');

  expect(JSON.stringify(tree)).toBe('{"__proto__":{"x":1},"constructor":2}');
});

const bomb = `a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n${Array.from(
  { length: 9 },
  (_, at) => `a${at + 1}: &a${at + 1} [${Array(10).fill(`*a${at}`).join(',')}]`,
).join('\n')}`;

test.each<[string, string, string | Buffer, string]>([
  ['a repeated key', 'a.yaml', 'a: 1\nb: 2\na: 3', 'line 3 repeats a key'],
  ['a repeated key of JSON', 'a.json', '{"a": 1, "a": 2}', 'line 1 repeats a key'],
  [
    'several documents',
    'a.yaml',
    'a: 1\n---\nb: 2',
    'it is not one YAML document, line 2 (multiple docs)',
  ],
  ['a tag', 'a.yaml', 'a: !!js/function x', 'line 1 has a tag, and Envoy knows none'],
  ['an alias of nothing', 'a.yaml', 'a: *x', 'line 1 names no anchor before it'],
  ['an alias of itself', 'a.yaml', 'a: &x [*x]', 'line 1 names no anchor before it'],
  ['a bomb of aliases', 'a.yaml', bomb, 'line 5 holds more than 100000 nodes'],
  ['a key that is a list', 'a.yaml', 'a:\n  ? [x]\n  : 1', 'line 2 has a key that is no text'],
  ['no map', 'a.yaml', '- a', 'it holds no map'],
  ['nothing', 'a.yaml', '', 'it holds no map'],
  [
    'too many levels',
    'a.yaml',
    `a: ${'['.repeat(200)}${']'.repeat(200)}`,
    'line 1 is nested deeper than 100 levels',
  ],
  ['a hundred thousand brackets', 'a.json', '['.repeat(100_000), 'it is not JSON'],
  ['YAML for JSON', 'a.json', 'a: 1', 'it is not JSON'],
  ['too much', 'a.yaml', `a: ${'x'.repeat(1_048_576)}`, 'it is larger than 1 MiB'],
  ['other bytes than UTF-8', 'a.yaml', Buffer.from([0x61, 0x3a, 0x20, 0xff]), 'it is not UTF-8'],
  ['broken YAML', 'a.yaml', 'a: 1\nb: [canary', 'it is not one YAML document, line 2 (bad indent)'],
])('a bootstrap with %s is refused', async (_name, file, content, reason) => {
  expect(await refusalOf(file, content)).toBe(`Cannot read FILE of BATON_BOOTSTRAP: ${reason}.`);
});

test('a document of a hundred thousand opened brackets is refused in time', async () => {
  expect(await refusalOf('a.yaml', '['.repeat(100_000))).toMatch(/^Cannot read FILE/);
});

test('a map of many keys is read in time', async () => {
  const keys = Array.from({ length: 60_000 }, (_, at) => `k${at}: 1`).join('\n');

  expect(Object.keys((await treeOf('a.yaml', keys)) as object)).toHaveLength(60_000);
});

test.each([
  ['a missing file', 'none.yaml', 'no such file'],
  ['a folder', 'folder.yaml', 'it is not a regular file'],
  ['a socket', 'socket.yaml', 'it is not a regular file'],
  ['a link in a circle', 'loop.yaml', 'its links go in a circle'],
])('%s is refused', async (_name, file, reason) => {
  await mkdir(join(folder, 'folder.yaml'));
  await symlink('loop.yaml', join(folder, 'loop.yaml'));
  const server = createServer();
  await new Promise<void>((listening) => {
    server.listen(join(folder, 'socket.yaml'), listening);
  });

  const path = join(folder, file);
  const read = await readSources({ bootstrap: path, layers: [] });
  await new Promise((closed) => server.close(closed));

  expect(read).toEqual({
    ok: false,
    problems: [
      { about: 'BATON_BOOTSTRAP', message: `Cannot read ${path} of BATON_BOOTSTRAP: ${reason}.` },
    ],
  });
});

test('all unknown names are refused at once with those that there are', async () => {
  const read = await readSources({
    bootstrap: 'sidecat',
    layers: ['sidecar', 'plaintext-inbound'],
  });

  expect(read).toEqual({
    ok: false,
    problems: [
      {
        about: 'BATON_BOOTSTRAP',
        message:
          'Expected BATON_BOOTSTRAP to be sidecar or the path of a .yaml, .yml or .json file, got "sidecat".',
      },
      {
        about: 'BATON_BOOTSTRAP_LAYERS',
        message:
          'Expected BATON_BOOTSTRAP_LAYERS to be plaintext-inbound, plaintext-outbound or the path of a .yaml, .yml or .json file, got "sidecar".',
      },
    ],
  });
});
