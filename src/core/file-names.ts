/** Names in the run directory that more than one part of the agent knows. */

/** Where a running agent is asked. */
export const CONTROL_SOCKET = 'control.sock';
