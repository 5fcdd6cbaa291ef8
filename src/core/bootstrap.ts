/**
 * Fills a template. It is a parsed tree whose strings may hold `${NAME}` or `${NAME:-default}`;
 * `$${` stands for a literal `${`. Because it is parsed first and filled after, no value can
 * change its structure. Keys are never filled.
 */
import { plainScalar, scalarKind } from './plain-scalar.ts';
import { settingOf } from './template-values.ts';
import {
  changeStrings,
  isList,
  isMap,
  type Tree,
  type TreeProblem,
  type TreeResult,
} from './tree.ts';

/** The known name that is most like an unknown one; absent when none is near. */
export type Nearest = (name: string, known: Iterable<string>) => string | undefined;

interface Variable {
  readonly name: string;
  /** The text after `:-`. */
  readonly fallback: string | undefined;
}

const MARK = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}|\$\{/g;

/**
 * The tree with every variable replaced, or all problems: a name that has neither value nor
 * default, a value that is not of its default's type, a `${` that begins no variable. A scalar
 * that is one variable and nothing else becomes the value itself, an object for example; a text
 * value takes the type its default has.
 */
export function fillTemplate(
  tree: Tree,
  values: ReadonlyMap<string, Tree>,
  nearest: Nearest,
): TreeResult<Tree> {
  const problems = new Map<string, TreeProblem>();
  const report = (about: string, message: string) => {
    if (!problems.has(message)) problems.set(message, { about, message });
    return null;
  };
  const scalars = scalarFiller({ values, nearest, report });
  const value = changeStrings(tree, scalars);
  return problems.size === 0
    ? { ok: true, value }
    : { ok: false, problems: [...problems.values()] };
}

/** The names of all variables in the tree, those with a default too. */
export function namesUsed(tree: Tree): ReadonlySet<string> {
  const names = new Set<string>();
  changeStrings(tree, (text) => {
    for (const match of text.matchAll(MARK)) if (match[1] !== undefined) names.add(match[1]);
    return text;
  });
  return names;
}

/** A problem for each given name that the tree never uses: most likely a name misspelt. */
export function unusedNames(
  tree: Tree,
  given: Iterable<string>,
  nearest: Nearest,
): readonly TreeProblem[] {
  const used = namesUsed(tree);
  return [...given]
    .filter((name) => !used.has(name))
    .map((name) => {
      const near = nearest(name, used);
      const hint = near === undefined ? '' : ` Did you mean ${settingOf(near)}?`;
      const message = `Expected ${settingOf(name)} to name a variable of the bootstrap, which has no \${${name}}.${hint}`;
      return { about: settingOf(name), message };
    });
}

interface Filling {
  readonly values: ReadonlyMap<string, Tree>;
  readonly nearest: Nearest;
  /** Returns what stands in place of a value that there is none for. */
  readonly report: (about: string, message: string) => null;
}

function scalarFiller(filling: Filling): (text: string, path: string) => Tree {
  return (text, path) => {
    const whole = wholeVariable(text);
    if (whole !== undefined) return filledWhole(whole, path, filling);
    return text.replace(MARK, (mark, name: string | undefined, fallback: string | undefined) => {
      if (mark === '$${') return '${';
      if (name === undefined) return String(reportBrokenMark(path, filling));
      return filledText({ name, fallback }, path, filling);
    });
  };
}

function wholeVariable(text: string): Variable | undefined {
  const [first] = text.matchAll(MARK);
  if (first?.[1] === undefined || first[0] !== text) return undefined;
  return { name: first[1], fallback: first[2] };
}

function filledWhole(variable: Variable, path: string, filling: Filling): Tree {
  const { name, fallback } = variable;
  const value = filling.values.get(name);
  if (value === undefined) {
    return fallback === undefined ? reportUnknown(name, path, filling) : fallbackOf(fallback);
  }
  if (typeof value !== 'string' || fallback === undefined) return value;
  const kind = scalarKind(fallback);
  if (kind !== 'integer' && kind !== 'boolean') return value;
  if (scalarKind(value) === kind) return plainScalar(value);
  const form = kind === 'integer' ? 'a whole number' : 'true or false';
  return filling.report(
    settingOf(name),
    `Expected ${settingOf(name)} to be ${form}, as its default ${fallback} is (at ${path}).`,
  );
}

function fallbackOf(text: string): Tree {
  return text === '' ? '' : plainScalar(text);
}

function filledText(variable: Variable, path: string, filling: Filling): string {
  const { name, fallback } = variable;
  const value = filling.values.get(name) ?? fallback;
  if (value === undefined) return String(reportUnknown(name, path, filling));
  if (isMap(value) || isList(value)) {
    const reason = 'it is a structure and can only stand alone';
    filling.report(
      'BATON_BOOTSTRAP',
      `Cannot put \${${name}} into the text at ${path}: ${reason}.`,
    );
  }
  return String(value);
}

function reportUnknown(name: string, path: string, filling: Filling): null {
  const near = filling.nearest(name, filling.values.keys());
  const hint = near === undefined ? '' : ` The nearest known name is ${near}.`;
  const cures = `Set ${settingOf(name)}, write \${${name}:-DEFAULT}, or $\${${name}} for the text itself.`;
  const message = `Cannot fill \${${name}} at ${path}: nothing has this name.${hint} ${cures}`;
  return filling.report('BATON_BOOTSTRAP', message);
}

function reportBrokenMark(path: string, filling: Filling): null {
  const cures = `Write \${NAME}, \${NAME:-DEFAULT}, or $\${ for the text itself.`;
  const message = `Cannot fill the text at ${path}: its \${ begins no variable. ${cures}`;
  return filling.report('BATON_BOOTSTRAP', message);
}
