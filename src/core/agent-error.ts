/**
 * Something the agent could not do. The message is one line for the user ("Cannot VERB OBJECT:
 * REASON."), the code is stable and meant for branching, the cause is what was caught.
 */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: string;

  /** @param code In camel case, e.g. `adminSilent`. */
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a thrown value says, in one line or more; anything can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
