/** Freezes a value with all that is in it, so that a step that changes what it was given fails at once. */
export function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  if (value instanceof Map) {
    const refuse = () => {
      throw new Error('a state was changed');
    };
    Object.assign(value, { set: refuse, delete: refuse, clear: refuse });
    for (const member of value.values()) freeze(member);
  }
  Object.freeze(value);
  for (const member of Object.values(value)) freeze(member);
}
