/**
 * Imported before everything else for what it does: it has Node hold memory back where by itself it
 * spends it on speed. Measured on Node 20.
 *
 * Left to itself Node lets what is new in the heap grow from 1 MB to 16 MB, thrice: a crowd of
 * connections that come and go cost 140 MB until they were collected, where it is now 35 MB for as
 * long as they come. Limits can only be set before Node starts, so it is growth that is held back.
 *
 * Nor does it wait long before it compiles for speed: after thirty rotations compiled code, and what
 * the compiler leaves behind in each thread's own memory, were 10 MB, and saved no processor time.
 * Now a function has to run 1,500 times longer for that, and ten times longer before Node so much as
 * takes notes for it (2 MB). With a tenth of that two functions were compiled within 150 rotations,
 * for 3.5 MB of Node's own file and 1 MB of memory. The one thing that is often done at length, the
 * reading of a scrape, is left to regular expressions, which are machine code from the start.
 */
import { setFlagsFromString } from 'node:v8';

const GROWTH = ['--semi-space-growth-factor=1', '--heap-growing-percent=20', '--optimize-for-size'];

/** In bytes of the bytecode that was run, of which Node wants 66 KiB, and 8 times its size. */
const COMPILED_LATE_BEFORE_22 = [
  '--interrupt-budget=100000000',
  '--max-bytecode-size-for-early-opt=0',
  '--interrupt-budget-for-feedback-allocation=10000',
  '--interrupt-budget-factor-for-feedback-allocation=80',
];
/** In calls, of which Node wants 3,000, 400 for its quicker compiler, and 8. */
const COMPILED_LATE = [
  '--invocation-count-for-turbofan=3000000',
  '--invocation-count-for-maglev=500000',
  '--invocation-count-for-feedback-allocation=80',
];

/** A flag that a version does not know is a line of its on standard error: tried ones alone. */
const BY_MAJOR_VERSION: Readonly<Record<string, readonly string[]>> = {
  20: COMPILED_LATE_BEFORE_22,
  22: COMPILED_LATE,
  24: COMPILED_LATE,
};

const [major = ''] = process.versions.node.split('.');
for (const flag of [...GROWTH, ...(BY_MAJOR_VERSION[major] ?? [])]) setFlagsFromString(flag);
