/** Makes dist/baton.mjs: one executable file that needs Node and nothing else. */
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { importTypeScript } from './run-typescript.mjs';

// Packages in CommonJS form call require; an ECMAScript module has none of its own.
const requireForPackages =
  "import { createRequire as batonRequire } from 'node:module'; const require = batonRequire(import.meta.url);";

/**
 * Not needed for Envoy's start: they are in the file as text and compiled when first imported.
 * Compiling everything at once took more time than all the agent does before it starts Envoy.
 */
const COMPILED_LATER = ['commander', 'pino', 'pino-pretty', 'prom-client', 'yaml'];

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
};

await build({
  ...common,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/baton.mjs',
  format: 'esm',
  plugins: [await templatesAsTrees(), await pageAsText(), packagesCompiledLater(), httpByRequire()],
  banner: { js: `#!/usr/bin/env node\n${requireForPackages}` },
  legalComments: 'none',
});
await chmod('dist/baton.mjs', 0o755);

/**
 * A built-in template goes into the bundle as JSON, read by the agent's own reader: the usual start
 * needs no YAML library.
 */
async function templatesAsTrees() {
  const { treeOf } = await importTypeScript('src/adapters/bootstrap-sources/yaml-tree.ts');
  const { plainScalar } = await importTypeScript('src/core/plain-scalar.ts');
  return {
    name: 'templates-as-trees',
    /** @param {import('esbuild').PluginBuild} bundling */
    setup: (bundling) => {
      bundling.onLoad({ filter: /\.yaml$/ }, async ({ path }) => ({
        contents: JSON.stringify(treeOf(await readFile(path, 'utf8'), plainScalar)),
        loader: /** @type {const} */ ('text'),
      }));
    },
  };
}

/** What the page needs of the browser is in the bundle as text; the agent never runs it. */
async function pageAsText() {
  const { BUNDLED, bundledTextModule } = await importTypeScript('deploy/bundled-text.ts');
  return {
    name: 'page-as-text',
    /** @param {import('esbuild').PluginBuild} bundling */
    setup: (bundling) => {
      bundling.onResolve({ filter: BUNDLED }, ({ path, resolveDir }) => ({
        path: join(resolveDir, path),
        namespace: 'page-as-text',
      }));
      bundling.onLoad({ filter: BUNDLED, namespace: 'page-as-text' }, ({ path }) => ({
        contents: bundledTextModule(path),
      }));
    },
  };
}

/**
 * On Node 22 and 24 importing node:http as an ECMAScript module touches every export of it, one of
 * which loads a web socket client: 3 MB resident that requiring it does not cost (measured).
 */
function httpByRequire() {
  return {
    name: 'http-by-require',
    /** @param {import('esbuild').PluginBuild} bundling */
    setup: (bundling) => {
      bundling.onResolve({ filter: /^node:http$/ }, ({ path, namespace }) =>
        namespace === 'required' ? { path, external: true } : { path, namespace: 'required' },
      );
      bundling.onLoad({ filter: /^node:http$/, namespace: 'required' }, () => ({
        contents: "module.exports = require('node:http');",
      }));
    },
  };
}

function packagesCompiledLater() {
  return {
    name: 'packages-compiled-later',
    /** @param {import('esbuild').PluginBuild} bundling */
    setup: (bundling) => {
      const filter = new RegExp(`^(${COMPILED_LATER.join('|')})$`);
      bundling.onResolve({ filter }, ({ path }) => ({ path, namespace: 'compiled-later' }));
      bundling.onLoad({ filter, namespace: 'compiled-later' }, async ({ path }) => ({
        contents: wrapped(path, await bundled(path)),
        resolveDir: process.cwd(),
      }));
    },
  };
}

/**
 * @param {string} name
 * @returns {Promise<string>} the package as one CommonJS script
 */
async function bundled(name) {
  const stdin = { contents: `module.exports = require('${name}');`, resolveDir: process.cwd() };
  const { outputFiles } = await build({ ...common, stdin, format: 'cjs', write: false });
  return outputFiles[0]?.text ?? '';
}

/**
 * @param {string} name
 * @param {string} script
 */
function wrapped(name, script) {
  return `
    const { Script } = require('node:vm');
    const source = '(function (exports, require, module) {' + ${JSON.stringify(script)} + '\\n})';
    new Script(source, { filename: 'node_modules/${name}' }).runInThisContext()(exports, require, module);
  `;
}
