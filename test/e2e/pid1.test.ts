import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { envoyBinary } from '../support/envoy-binary.ts';
import { freePorts } from '../support/free-ports.ts';
import {
  type Container,
  type ContainerOptions,
  type Image,
  makeImage,
  runContainer,
  startContainer,
} from '../support/image-rig.ts';
import { markOfThisRun, processesWith } from '../support/left-overs.ts';

let image: Image;
let folder: string;
let servicePort: number;
let statusPort: number;
let containers: Container[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'baton-pid1-'));
  await chmod(folder, 0o755);
  await writeFile(
    path.join(folder, 'fault.mjs'),
    "process.on('SIGUSR2', () => { throw new Error('planted'); });",
  );
  image = await makeImage();
});

// Anew for each: what is free for long is taken by someone else on the machine.
beforeEach(async () => {
  [servicePort = 0, statusPort = 0] = await freePorts(2);
  await writeFile(path.join(folder, 'envoy.json'), JSON.stringify(bootstrap(servicePort)));
});

afterEach(async () => {
  await Promise.all(containers.map((container) => container.kill()));
  containers = [];
});

afterAll(async () => {
  await image?.remove();
  await rm(folder, { recursive: true, force: true });
});

describe('the image', () => {
  test('runs as its own user and can write to memory alone', async () => {
    const container = await startReady();

    const [agent] = await pidsOf(container, 'node');
    const status = await readFile(`/proc/${agent}/status`, 'utf8');
    const writable = await container.exec(
      'sh',
      '-c',
      'for d in / /etc /tmp /usr/local/bin /var/run/baton /dev/shm; do (: > $d/x) 2>&- && echo $d; done',
    );

    expect(status).toMatch(/^Uid:\t1337\t1337\t1337\t1337$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(writable.output.trim().split('\n')).toEqual(['/var/run/baton', '/dev/shm']);
  });

  test('ends with code 0 and leaves nothing when it gets SIGTERM', async () => {
    const container = await startReady();
    await container.exec('sh', '-c', 'sleep 1000 >&- 2>&- &');

    container.signal('SIGTERM');

    expect(await container.exited, container.output()).toBe(0);
    expect(await container.inmates()).toEqual([]);
    expect(await isListening(servicePort)).toBe(false);
  });

  test.for(['SIGINT', 'SIGQUIT'] as const)('ends with code 0 when it gets %s', async (signal) => {
    const container = await startReady();

    container.signal(signal);

    expect(await container.exited, container.output()).toBe(0);
  });

  test.for(['own', 'emptyDir'] as const)(
    'replaces Envoy when it gets SIGHUP and the run directory is %s',
    async (kind) => {
      const container = await startReady({ runDirectory: kind });
      const [before] = await pidsOf(container, 'envoy');

      container.signal('SIGHUP');

      await vi.waitFor(
        async () => {
          const now = await pidsOf(container, 'envoy');
          expect(now, container.output()).toHaveLength(1);
          expect(now, container.output()).not.toContain(before);
        },
        { timeout: 20_000 },
      );
    },
  );

  test('ends with code 137 when a third signal cuts the stop short', async () => {
    const container = await startReady();
    for (const pid of await pidsOf(container, 'envoy')) process.kill(pid, 'SIGSTOP');

    await vi.waitUntil(() => !container.signal('SIGTERM'), { timeout: 10_000 });

    expect(await container.exited, container.output()).toBe(137);
    expect(await container.inmates()).toEqual([]);
  });

  test('ends with code 78 and names the setting when one is wrong', async () => {
    const { code, output } = await run({ env: { BATON_HANDOVER: 'sideways' } });

    expect(output).toContain('BATON_HANDOVER');
    expect(code).toBe(78);
  });

  test('ends with code 127 in one line when there is no Envoy', async () => {
    const { code, output } = await run({ env: { BATON_ENVOY_BINARY: '/nowhere/envoy' } });

    expect(output).toContain('/nowhere/envoy');
    expect(output).not.toMatch(/^\s+at /m);
    expect(code).toBe(127);
  });

  test('ends with another code than 0 and no stack when a command is unknown', async () => {
    const { code, output } = await run({ args: ['rnu'] });

    expect(output).toContain('rnu');
    expect(output).not.toMatch(/^\s+at /m);
    expect(code).toBeGreaterThan(0);
  });
});

describe('process 1', () => {
  test('reaps a hundred orphans that end in any order', async () => {
    const container = await startReady();
    const before = (await container.inmates()).length;

    await container.exec('sh', '-c', 'for i in $(seq 100); do (sleep 1000 >&- 2>&- &); done');
    const orphans = await pidsOf(container, 'sleep');
    const inAnyOrder = orphans.map((_, at) => orphans[(at * 37) % orphans.length] ?? 0);
    for (const pid of inAnyOrder) process.kill(pid, 'SIGKILL');

    expect(orphans).toHaveLength(100);
    await vi.waitFor(async () => expect(await container.inmates()).toHaveLength(before), 10_000);
  });

  test('completes command lines in a shell that someone opens in it', async () => {
    const container = await startReady();

    const shell = await container.exec('bash', '-ic', 'complete -p baton');

    expect(shell.output).toContain('complete -F _baton baton');
  });

  test('has no zombies after many health checks', async () => {
    const container = await startReady();

    for (let round = 0; round < 20; round += 1) {
      const probe = await container.exec('env', ...environment(), ...image.stage.healthCheck);
      expect(probe).toEqual({ code: 0, output: '' });
    }

    expect((await container.inmates()).filter(({ state }) => state === 'Z')).toEqual([]);
  });

  test('warns once when it is Baton without an init', async () => {
    const container = await startReady({ entrypoint: ['baton'] });

    const warnings = container
      .records()
      .filter(({ msg }) => /PID 1 without an init/.test(`${msg}`));

    expect(warnings, container.output()).toHaveLength(1);
  });

  test('says nothing of an init when there is one', async () => {
    const container = await startReady();

    expect(container.output()).not.toContain('without an init');
  });
});

describe('a signal in the first moments', () => {
  test.for([0, 1, 2, 3])(
    'is not lost when it comes at any of six moments, series %i',
    async (series) => {
      // 0 to 100 ms in steps of 5, counted from when tini has a child, so waits for signals: before,
      // the kernel drops those to a process 1, whatever program it is. The steps are what is tried, a
      // spread over the start; where in the start one falls is left open, for what is expected is
      // the same at every moment of it.
      for (let afterMs = series * 5; afterMs <= 100; afterMs += 20) {
        const container = await start();
        await vi.waitUntil(async () => (await container.inmates()).length > 1, { interval: 1 });
        await delay(afterMs);

        container.signal('SIGTERM');

        // 143: Node had not yet run a line of Baton, and so nothing else.
        const ended = await container.exited;
        expect([0, 143], `after ${afterMs} ms: ${container.output()}`).toContain(ended);
        expect(await container.inmates()).toEqual([]);
      }
    },
  );
});

describe('what runs the image', () => {
  test('takes the whole container with it when it is killed', async () => {
    const trial = randomUUID();
    const place = await mkdtemp(path.join(tmpdir(), 'baton-run-image-'));
    const env = { ...settings(), ...markOfThisRun(), TRIAL: trial };
    const words = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const runner = spawn(
      process.execPath,
      ['deploy/run-image.mjs', ...words, '--mount', `${folder}=/etc/baton`],
      {
        cwd: new URL('../..', import.meta.url).pathname,
        env: { ...process.env, TMPDIR: place, BATON_ENVOY_BINARY: envoyBinary() },
        stdio: 'ignore',
      },
    );
    onTestFinished(async () => {
      runner.kill('SIGKILL');
      await rm(place, { recursive: true, force: true });
    });
    await untilReady();
    expect(processesWith('TRIAL', trial)).not.toEqual([]);

    runner.kill('SIGKILL');

    await vi.waitFor(() => expect(processesWith('TRIAL', trial)).toEqual([]), 10_000);
  });
});

describe('the death of the agent', () => {
  test('ends the container and the next one starts clean when it is killed', async () => {
    const container = await startReady();

    await killAgent(container);

    expect(await container.exited, container.output()).toBe(137);
    expect(await container.inmates()).toEqual([]);
    const next = await startReady();
    expect(await pidsOf(next, 'envoy')).toHaveLength(1);
  });

  test('leaves no Envoy that holds a port when process 1 is another', async () => {
    const pause = 'baton run & wait; while :; do sleep 1; done';
    const container = await startReady({ entrypoint: ['sh', '-c', pause], args: [] });

    await killAgent(container);

    await vi.waitFor(async () => expect(await pidsOf(container, 'envoy')).toEqual([]), 10_000);
    expect(await isListening(servicePort)).toBe(false);
    expect(await container.inmates()).not.toEqual([]);
  });

  test('is code 70 with a record when a bug ends it', async () => {
    const container = await startReady({
      env: { NODE_OPTIONS: '--import=/etc/baton/fault.mjs' },
    });

    container.signal('SIGUSR2');

    expect(await container.exited, container.output()).toBe(70);
    expect(container.output()).toContain('planted');
    expect(await container.inmates()).toEqual([]);
  });
});

function settings(): Record<string, string> {
  return {
    BATON_BOOTSTRAP: '/etc/baton/envoy.json',
    BATON_CERT_DIRS: '',
    BATON_STATUS_PORT: String(statusPort),
    BATON_ADMIN_PORT: '0',
    BATON_DRAIN_TIME: '1s',
    BATON_PARENT_SHUTDOWN_TIME: '2s',
    BATON_TERMINATION_DRAIN_MIN: '0s',
  };
}

function environment(): string[] {
  return Object.entries(settings()).map(([name, value]) => `${name}=${value}`);
}

function withSettings(options: ContainerOptions): ContainerOptions {
  return { ...options, env: { ...settings(), ...options.env }, mounts: { [folder]: '/etc/baton' } };
}

function run(options: ContainerOptions) {
  return runContainer(image, withSettings(options));
}

async function start(options: ContainerOptions = {}): Promise<Container> {
  const container = await startContainer(image, withSettings(options));
  containers.push(container);
  return container;
}

async function startReady(options: ContainerOptions = {}): Promise<Container> {
  const container = await start(options);
  await untilReady(container);
  return container;
}

async function untilReady(container?: Container): Promise<void> {
  await vi.waitFor(
    async () => {
      const answer = await fetch(`http://127.0.0.1:${statusPort}/healthz/ready`);
      expect(answer.status, container?.output()).toBe(200);
    },
    { timeout: 20_000 },
  );
}

async function pidsOf(container: Container, name: string): Promise<number[]> {
  return (await container.inmates()).filter((one) => one.name === name).map(({ pid }) => pid);
}

async function killAgent(container: Container): Promise<void> {
  for (const pid of await pidsOf(container, 'node')) process.kill(pid, 'SIGKILL');
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return await once(socket, 'connect').then(
    () => socket.destroy().destroyed,
    () => false,
  );
}

function bootstrap(port: number) {
  const echo = {
    name: 'envoy.filters.network.echo',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo',
    },
  };
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const listener = { name: 'service', address, filter_chains: [{ filters: [echo] }] };
  return { static_resources: { listeners: [listener] } };
}
