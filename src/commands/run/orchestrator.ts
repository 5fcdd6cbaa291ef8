/** Where the orchestrator looks for the reason of an end. */
import { writeTerminationMessage } from '../../adapters/termination-message.ts';

/** Where Kubernetes looks unless the pod says otherwise. */
const TERMINATION_MESSAGE_PATH = '/dev/termination-log';

/** Read past the settings: it is what they are wrong for that has to be told. */
export function tellOrchestrator(
  env: Readonly<Record<string, string | undefined>>,
  text: string,
): void {
  const path = env['BATON_TERMINATION_MESSAGE_PATH'] || TERMINATION_MESSAGE_PATH;
  if (text !== '') writeTerminationMessage(path, text);
}
