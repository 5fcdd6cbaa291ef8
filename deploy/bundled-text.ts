/** Style sheets and scripts for the browser as they are put into a program: bundled, minified, text. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

/** What an import asks for it by: `./page.css?bundled`. */
export const BUNDLED = /\?bundled$/;

const OPTIONS = [
  '--bundle',
  '--minify',
  '--format=iife',
  '--target=chrome109,firefox115,safari16',
  '--legal-comments=none',
  '--log-level=warning',
];

/**
 * By the bundler's own program, which is over when it is done: its library would leave a process
 * behind, and end those of others with it.
 *
 * @returns a module that exports the text as `text`
 */
export function bundledTextModule(path: string): string {
  const bundler = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
  const file = path.replace(BUNDLED, '');
  const text = execFileSync(bundler, [file, ...OPTIONS], { encoding: 'utf8' }).trim();
  return `export const text = ${JSON.stringify(text)};`;
}
