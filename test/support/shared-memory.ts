/** Envoy's shared memory as bytes, sound and of x86-64's size unless told otherwise. */
export function sharedMemoryBytes({
  size = 104,
  statedSize = BigInt(size),
  version = 11n,
  flags = 0n,
} = {}): Buffer {
  const memory = Buffer.alloc(size);
  memory.writeBigUInt64LE(statedSize, 0);
  memory.writeBigUInt64LE(version, 8);
  memory.writeBigUInt64LE(flags, size - 8);
  return memory;
}
