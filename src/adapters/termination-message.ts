/**
 * Why the agent ended, where an orchestrator looks for it (Kubernetes: `terminationMessagePath`,
 * shown by `kubectl describe pod` beside the exit code).
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

/** What is there is emptied; a FIFO in its place must not hold the exit up. */
const FLAGS = constants.O_WRONLY | constants.O_TRUNC | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** The kubelet reads no more of it (Kubernetes: determine the reason for pod failure). */
const MOST_BYTES = 4_096;

/**
 * Replaces what the file says; of a longer text the beginning. Only a regular file that is there
 * already is written: it is the orchestrator's. Never throws.
 *
 * @returns whether it was written
 */
export function writeTerminationMessage(path: string, text: string): boolean {
  try {
    const file = openSync(path, FLAGS);
    try {
      if (!fstatSync(file).isFile()) return false;
      writeSync(file, cutTo(MOST_BYTES, text), 0, 'utf8');
      return true;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

/** Not in the middle of a character. */
function cutTo(mostBytes: number, text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= mostBytes) return text;
  return bytes
    .subarray(0, mostBytes)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}
