import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort, openWorld, replaceFile, type World } from '../support/e2e-world.ts';
import { signalEnvoy } from '../support/envoys-of.ts';
import { serviceBootstrap } from '../support/service-bootstrap.ts';

const ENDED = { msg: 'handover ended' };

let world: World;

afterEach(() => world.close());

describe('listeners that two processes cannot share', () => {
  const OFF = { BATON_ENVOY_ARGS: '--disable-hot-restart' };

  /** The service's own, with changes. */
  const listener = (changes: object, servedBy: string) => {
    const options = { port: world.port, upstreamPort: world.upstream.port, servedBy };
    const bootstrap = serviceBootstrap(options);
    const [own] = bootstrap.static_resources.listeners;
    return { bootstrap, listener: { ...own, ...changes } };
  };
  const writeStatic = (changes: object, servedBy: string) => {
    const { bootstrap, listener: changed } = listener(changes, servedBy);
    const { static_resources: resources } = bootstrap;
    return replaceFile(
      world.bootstrapPath,
      JSON.stringify({ ...bootstrap, static_resources: { ...resources, listeners: [changed] } }),
    );
  };
  /** From a control plane, which is a file here. */
  const writeDynamic = async (changes: object, servedBy: string) => {
    const { bootstrap, listener: changed } = listener(changes, servedBy);
    const type = 'type.googleapis.com/envoy.config.listener.v3.Listener';
    const path = join(world.folder, 'listeners.json');
    await replaceFile(path, JSON.stringify({ resources: [{ '@type': type, ...changed }] }));
    const { static_resources: resources } = bootstrap;
    await replaceFile(
      world.bootstrapPath,
      JSON.stringify({
        ...bootstrap,
        node: { id: servedBy, cluster: 'test' },
        dynamic_resources: { lds_config: { path_config_source: { path } } },
        static_resources: { ...resources, listeners: [] },
      }),
    );
  };
  const pipeAt = (path: string) => ({ address: { pipe: { path } } });

  test.each<[string, () => object, boolean]>([
    ['do not reuse their port', () => ({ enable_reuse_port: false }), true],
    [
      'are on a unix socket too',
      () => ({ additional_addresses: [pipeAt(join(world.folder, 'service.sock'))] }),
      true,
    ],
    [
      'are on an abstract one too',
      () => ({ additional_addresses: [pipeAt(`@baton-test-${process.pid}`)] }),
      true,
    ],
    ['come from a control plane', () => ({ enable_reuse_port: false }), false],
  ])('are replaced cold and without a failed start when they %s', async (_, changes, isStatic) => {
    world = await openWorld({ settings: OFF });
    const write = isStatic ? writeStatic : writeDynamic;
    await write(changes(), 'first');
    const agent = await world.startReadyAgent();

    await write(changes(), 'second');
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });

    expect(ended).toMatchObject({ mode: 'cold', result: 'committed', attemptCount: 0 });
    expect(ended['modeReason']).toContain('two processes cannot share listener service');
    expect(agent.records({ msg: 'handover not hot', level: 'warn' })).toHaveLength(1);
    expect(agent.records({ msg: 'Envoy ended unexpectedly' })).toEqual([]);
    expect((await world.ask()).servedBy).toBe('second');
  });

  test.each([
    ['has them in its bootstrap', true],
    ['has them of a control plane', false],
  ])('are replaced cold when the one Envoy hangs that %s', async (_, isStatic) => {
    const adminPort = await freePort();
    const settings = { BATON_HANG_DEADLINE: '3s', BATON_ADMIN_PORT: `${adminPort}` };
    world = await openWorld({ settings });
    const write = isStatic ? writeStatic : writeDynamic;
    await write({ enable_reuse_port: false }, 'first');
    const agent = await world.startReadyAgent();

    // Once it was LIVE it was asked for its listeners, over the same connection, one after the other.
    for (const _ of ['listeners of the bootstrap', 'of the control plane']) {
      await world.ask('/ready', adminPort);
    }

    signalEnvoy(world.envoys()[0], 'SIGSTOP');
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
    const { ready, tokens } = await agent.untilServesAlone(0);

    expect(ended).toMatchObject({ mode: 'cold', result: 'committed', attemptCount: 0 });
    expect(ended['modeReason']).toContain('two processes cannot share listener service');
    expect(agent.records({ msg: 'signal sent' })).toMatchObject([
      { launch: 'L1', signal: 'SIGKILL' },
    ]);
    expect({ ready, left: tokens.left }).toEqual({ ready: true, left: 9 });
    expect((await world.ask()).servedBy).toBe('first');
  });

  test('are no trouble to a hot handover', async () => {
    world = await openWorld();
    await writeStatic({ enable_reuse_port: false }, 'first');
    const agent = await world.startReadyAgent();
    const load = world.startLoad();

    await writeStatic({ enable_reuse_port: false }, 'second');
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);

    expect(ended).toMatchObject({ mode: 'hot', result: 'committed' });
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('are no trouble where only the new one has them', async () => {
    world = await openWorld({ settings: OFF });
    const agent = await world.startReadyAgent();
    const port = await freePort();

    const { bootstrap, listener: added } = listener(
      { name: 'own', enable_reuse_port: false },
      '2nd',
    );
    const address = { socket_address: { address: '127.0.0.1', port_value: port } };
    bootstrap.static_resources.listeners.push({ ...added, address } as never);
    await replaceFile(world.bootstrapPath, JSON.stringify(bootstrap));
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });

    expect(ended).toMatchObject({ mode: 'side-by-side', result: 'committed', attemptCount: 0 });
    expect((await world.ask('/', port)).servedBy).toBe('2nd');
  });
});
