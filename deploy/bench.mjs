/** Builds the bench beside the agent and runs it with the arguments given. */
import { spawn } from 'node:child_process';
import { build } from 'esbuild';

// Packages in CommonJS form call require; an ECMAScript module has none of its own.
const requireForPackages =
  "import { createRequire as batonRequire } from 'node:module'; const require = batonRequire(import.meta.url);";

await import('./build.mjs');
await build({
  entryPoints: {
    bench: 'bench/main.ts',
    'bench-load': 'bench/judge/load-process.ts',
    'bench-upstream': 'bench/upstream-process.ts',
  },
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  loader: { '.yaml': 'text' },
  banner: { js: requireForPackages },
  logLevel: 'warning',
});

const bench = spawn(process.execPath, ['dist/bench.mjs', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// The bench cleans up after itself, and this waits for it. Ctrl-C reaches both anyhow.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => bench.kill('SIGTERM'));
bench.on('exit', (code, signal) => {
  process.exitCode = signal === null ? code : 1;
});
