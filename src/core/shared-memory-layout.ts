/**
 * The layout of Envoy's hot restart shared memory, version 11 (measured on Envoy 1.36 to 1.40):
 * size as u64, version as u64, two mutexes, flags as u64 at the very end; little-endian. It is 104
 * bytes long on x86-64 and 120 on aarch64, where a mutex is larger.
 */

const VERSION = 11n;
const SMALLEST_BYTES = 24;
const FLAGS_BYTES = 8;
const INITIALIZING = 1n;

/** Larger than any layout of this version; nothing longer is read. */
export const MAX_SHARED_MEMORY_BYTES = 4096;

export type MemoryVerdict =
  | { readonly kind: 'sound' }
  /** The INITIALIZING bit is set: eight zero bytes at the offset clear it. */
  | { readonly kind: 'initializing'; readonly flagsOffset: number }
  | { readonly kind: 'unknown'; readonly reason: string };

/** @param memory The whole file. The reason reads on after "Cannot repair FILE: ". */
export function judgeSharedMemory(memory: Uint8Array): MemoryVerdict {
  if (memory.length < SMALLEST_BYTES) return unknown(`it is only ${memory.length} bytes long`);

  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  const statedSize = view.getBigUint64(0, true);
  if (statedSize !== BigInt(memory.length)) {
    return unknown(`it says it is ${statedSize} bytes long and is ${memory.length}`);
  }
  const version = view.getBigUint64(8, true);
  if (version !== VERSION) return unknown(`its version is ${version} and not ${VERSION}`);

  const flagsOffset = memory.length - FLAGS_BYTES;
  const flags = view.getBigUint64(flagsOffset, true);
  if (flags === 0n) return { kind: 'sound' };
  if (flags === INITIALIZING) return { kind: 'initializing', flagsOffset };
  return unknown(`its flags are ${flags}, of which only ${INITIALIZING} is known`);
}

function unknown(reason: string): MemoryVerdict {
  return { kind: 'unknown', reason };
}
