import * as v from 'valibot';
import type { Problem } from '../ports.ts';
import type { Form } from './forms.ts';
import type { Facts, Row } from './row.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value came from; `name` is the variable's, which may be an alias. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'environment' | 'alias'; readonly name: string };

export interface Reading {
  /** The default where there are problems. */
  readonly value: unknown;
  readonly origin: Origin;
  readonly problems: readonly Problem[];
}

type Text =
  | { readonly isGiven: false }
  | { readonly isGiven: true; readonly value: unknown; readonly problems: readonly Problem[] };

/**
 * One setting's value from the environment. An empty variable is a value like any other: most
 * forms refuse it, and lists and URLs take it for none.
 */
export function readRow(row: Row<unknown>, env: Environment, facts: Facts): Reading {
  const main = readText(row, row, env);
  const alias: Text = row.alias ? readText(row, row.alias, env) : { isGiven: false };
  const problems = [main, alias].flatMap((text) => (text.isGiven ? text.problems : []));
  const standard = { value: row.standard(facts), origin: { kind: 'default' } } as const;
  if (problems.length > 0) return { ...standard, problems };
  if (main.isGiven && alias.isGiven && !isSame(main.value, alias.value)) {
    return { ...standard, problems: [differing(row)] };
  }
  if (main.isGiven) {
    return { value: main.value, origin: { kind: 'environment', name: row.name }, problems };
  }
  if (!alias.isGiven) return { ...standard, problems };
  return { value: alias.value, origin: { kind: 'alias', name: row.alias?.name ?? '' }, problems };
}

interface Named {
  readonly name: string;
  readonly form: Form<unknown>;
}

function readText(row: Row<unknown>, { name, form }: Named, env: Environment): Text {
  const text = env[name];
  if (text === undefined) return { isGiven: false };
  const parsed = v.safeParse(form.schema, text);
  if (parsed.success) return { isGiven: true, value: parsed.output, problems: [] };
  const got = row.isSecret ? 'a value that is not shown' : JSON.stringify(shortened(text));
  const message = `Expected ${name} to be ${form.text}, got ${got}.`;
  return { isGiven: true, value: undefined, problems: [{ about: name, message }] };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function differing(row: Row<unknown>): Problem {
  const message = `Expected ${row.name} and its alias ${row.alias?.name} to be the same, or one of them unset.`;
  return { about: row.name, message };
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
