/** Prometheus's own tool, which reads pages, rules and queries as Prometheus does. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface PromtoolEnd {
  readonly code: number | null;
  /** Both outputs as one text. */
  readonly output: string;
}

/** @throws Error when it is not installed: nothing else judges as Prometheus does */
export async function promtool(args: readonly string[], input = ''): Promise<PromtoolEnd> {
  const child = spawn('promtool', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code, stdout, stderr] = await Promise.all([
    new Promise<number | null>((resolve, reject) => {
      child.on('error', () => reject(new Error(NOT_INSTALLED)));
      child.on('close', resolve);
    }),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, output: stdout + stderr };
}

const NOT_INSTALLED =
  'Cannot run promtool: it is not on the PATH. It comes with Prometheus; Debian has it in the package "prometheus".';
