/** A listening agent without an Envoy, for the commands that ask one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/adapters/clock.ts';
import { createControlClient } from '../../src/adapters/control-client.ts';
import { listenHttp } from '../../src/adapters/http-server.ts';
import type { AskingFace } from '../../src/commands/asking.ts';
import { CONTROL_SOCKET } from '../../src/core/file-names.ts';
import type { Clock } from '../../src/ports.ts';
import type { Environment } from '../../src/settings/read-row.ts';
import { unknownNames } from '../../src/settings/unknown-names.ts';
import type { AgentFace } from '../../src/work/agent-face.ts';
import { controlRoutes } from '../../src/work/routes.ts';

export interface CommandTrial {
  readonly face: AskingFace;
  readonly printed: () => string;
  readonly complained: () => string;
  /** Listens on the control socket from now on. */
  listen(agent: AgentFace): Promise<void>;
  end(): Promise<void>;
}

/**
 * A run directory in which nobody listens yet, and a face for the commands in this environment, for
 * which time passes by this clock.
 */
export async function tryCommand(
  env: Environment = {},
  clock: Clock = systemClock,
): Promise<CommandTrial> {
  const folder = await mkdtemp(join(tmpdir(), 'baton-command-'));
  const printed: (string | Buffer)[] = [];
  const complained: string[] = [];
  let close: () => Promise<void> = async () => undefined;
  return {
    face: {
      print: (text) => void printed.push(text),
      complain: (text) => void complained.push(text),
      control: createControlClient(folder, clock),
      clock,
      misnamed: () => unknownNames(env),
    },
    printed: () => printed.map(String).join(''),
    complained: () => complained.join(''),
    listen: async (agent) => {
      const endpoint = { setting: 'BATON_RUN_DIR', socketPath: join(folder, CONTROL_SOCKET) };
      const result = await listenHttp(endpoint, controlRoutes(agent), () => undefined);
      if (!result.ok) throw new Error(result.problems[0]?.message);
      close = result.value.close;
    },
    end: async () => {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
