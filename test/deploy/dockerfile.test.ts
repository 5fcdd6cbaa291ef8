import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { lastStage } from '../../deploy/image/dockerfile.ts';

const run = promisify(execFile);
const project = new URL('../..', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, project), 'utf8');

const small = `
FROM a AS first
RUN make
FROM b
# a comment
ENV NAME=value=more
RUN one \\
    # between
 && two
COPY --from=first --chmod=0755 /made /put
COPY file /file
LABEL x=y
USER 12:34
HEALTHCHECK --interval=1s CMD ["check", "it"]
ENTRYPOINT ["init", "--"]
CMD ["run"]
`;

describe('lastStage', () => {
  test('reads the stage after the last FROM alone', () => {
    expect(lastStage(small)).toEqual({
      run: ['one && two'],
      copies: [
        { source: 'first:/made', target: '/put', mode: 0o755 },
        { source: 'file', target: '/file', mode: undefined },
      ],
      env: { NAME: 'value=more' },
      uid: 12,
      gid: 34,
      entrypoint: ['init', '--'],
      command: ['run'],
      healthCheck: ['check', 'it'],
    });
  });

  test.for([
    ['an instruction it does not know', `${small}\nVOLUME /data`, 'VOLUME /data'],
    ['a second user', `${small}\nUSER 0`, 'one USER, got 2'],
    ['a copy of two files', `${small}\nCOPY a b /c`, 'a b /c'],
    ['a copy of a glob', `${small}\nCOPY *.mjs /c`, '*.mjs'],
    ['a command in shell form', small.replace('["run"]', 'run it'), 'run it'],
  ] as const)('refuses %s', ([, text, named]) => {
    expect(() => lastStage(text)).toThrow(named);
  });
});

describe("the project's image", () => {
  const dockerfile = read('Dockerfile');
  const stage = lastStage(dockerfile);

  test('starts Baton below an init that hands signals to Baton alone', () => {
    expect([...stage.entrypoint, ...stage.command]).toEqual(['tini', '--', 'baton', 'run']);
  });

  test('runs as a user who is not root', () => {
    expect([stage.uid, stage.gid]).toEqual([1337, 1337]);
  });

  test('installs nothing in its last stage and keeps no files outside of memory', () => {
    expect(stage.run.join('\n')).not.toMatch(/apt-get|npm (ci|install)|curl|wget/);
    expect(dockerfile).not.toMatch(/^VOLUME/m);
  });

  test('takes the Envoy that the tests run on', () => {
    const [, version] = /DEFAULT_VERSION = '(.*)'/.exec(read('deploy/get-envoy.mjs')) ?? [];

    expect(dockerfile).toContain(`ENVOY_IMAGE=envoyproxy/envoy:v${version}\n`);
  });

  test('lets through to the build what it copies, and no more', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));

    expect(copiedFromContext(dockerfile).toSorted()).toEqual(allowed.toSorted());
  });

  test('has all that a build takes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'baton-build-'));
    const root = new URL('.', project).pathname;
    for (const name of copiedFromContext(dockerfile)) {
      cpSync(join(root, name), join(folder, name), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));

    await run('npm', ['run', 'build'], { cwd: folder });
    const { stdout } = await run(join(folder, 'dist/baton.mjs'), ['--help']);
    rmSync(folder, { recursive: true });

    expect(stdout).toContain('baton');
  });
});

function copiedFromContext(dockerfile: string): string[] {
  const lines = dockerfile.matchAll(/^COPY (?!--from)(?:--\S+ )*(.*) \S+$/gm);
  return [...lines].flatMap(([, sources = '']) => sources.split(' '));
}
