/** Whether one more Envoy fits into the memory that is left. */
import type { MemoryShortage } from './events.ts';

/** One group of processes whose memory is limited, and what it has in use. */
export interface MemoryGroup {
  readonly limitBytes: number;
  readonly usedBytes: number;
  /** Of that, the file pages not used for a while: the kernel gives them up before it kills. */
  readonly inactiveFileBytes: number;
}

/** What one process has resident. */
export interface ProcessMemory {
  /** Its own: anonymous and shared memory. */
  readonly ownBytes: number;
  /** Pages of files, most of them its binary: another process of the same binary shares them. */
  readonly fileBytes: number;
}

/** Page tables, kernel buffers and what a second one maps by itself: 1-2 MB measured. */
const MARGIN_BYTES = 4 * 1024 * 1024;

/**
 * Undefined when one more Envoy like the serving one fits into every group. Measured on Envoy 1.40:
 * a second process of the same binary adds its own memory (14.0 MB) and 0.3 MB to the group's use,
 * whatever the mode, and none of the binary's 51 MB. Of another binary it brings those too.
 */
export function memoryShortage(
  groups: readonly MemoryGroup[],
  serving: ProcessMemory,
  isSameBinary: boolean,
): MemoryShortage | undefined {
  const fileBytes = isSameBinary ? 0 : serving.fileBytes;
  const neededBytes = serving.ownBytes + fileBytes + MARGIN_BYTES;
  const freeBytes = Math.max(0, Math.min(...groups.map(freeIn)));
  return neededBytes > freeBytes ? { neededBytes, freeBytes } : undefined;
}

function freeIn({ limitBytes, usedBytes, inactiveFileBytes }: MemoryGroup): number {
  return limitBytes - (usedBytes - inactiveFileBytes);
}
