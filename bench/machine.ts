/** What the figures were measured on, in one line. */
import { execFile } from 'node:child_process';
import os from 'node:os';
import { promisify } from 'node:util';

export async function describeMachine(envoy: string): Promise<string> {
  const model = os.cpus()[0]?.model.trim() ?? 'unknown processor';
  const memoryGb = (os.totalmem() / 2 ** 30).toFixed(1);
  return [
    `${model}, ${os.availableParallelism()} cores, ${memoryGb} GB`,
    `${os.type()} ${os.release()}`,
    `Node ${process.versions.node}`,
    `Envoy ${await envoyVersion(envoy)}`,
  ].join(' | ');
}

/** The number alone, e.g. `1.40.0`. @throws Error when the binary does not run. */
export async function envoyVersion(envoy: string): Promise<string> {
  const { stdout } = await promisify(execFile)(envoy, ['--version'], { timeout: 10_000 });
  return /\/(\d+\.\d+\.\d+)\//.exec(stdout)?.[1] ?? 'unknown';
}
