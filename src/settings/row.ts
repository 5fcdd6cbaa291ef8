import type { Form } from './forms.ts';

/** What the defaults depend on and a pure function cannot find out. */
export interface Facts {
  /** The CPU limit of the cgroup rounded up, else the number of CPUs. */
  readonly cpuCount: number;
  /** Path of `envoy` on PATH, else of the fetched one; absent when there is neither. */
  readonly envoyOnPath: string | undefined;
  /** Whether the log goes to a terminal. */
  readonly isTerminal: boolean;
  /** The pod's name where nothing else says it. */
  readonly hostName: string;
  /** `/var/run/baton` where it can be used, else a private folder under the temp folder. */
  readonly runDirectory: string;
  /** Envoy's arguments from Baton's own command line, after `--`. */
  readonly moreEnvoyArgs?: readonly string[];
}

/** One setting: everything that is known about it stands here. */
export interface Row<Value> {
  readonly name: string;
  readonly form: Form<Value>;
  readonly standard: (facts: Facts) => Value;
  /** The default as the documentation writes it. */
  readonly standardText: string;
  readonly meaning: string;
  /** Another name, read when the main one is unset. */
  readonly alias?: Alias<Value>;
  /** Its value never stands in a problem. */
  readonly isSecret?: true;
}

export interface Alias<Value> {
  readonly name: string;
  readonly form: Form<Value>;
}

interface Rest<Value> {
  readonly standard: Value;
  readonly meaning: string;
  readonly alias?: Alias<Value>;
  readonly isSecret?: true;
}

/** A setting whose default is a constant. */
export function setting<Value>(
  name: string,
  form: Form<Value>,
  rest: Rest<NoInfer<Value>>,
): Row<Value> {
  const { standard, ...others } = rest;
  return { name, form, standard: () => standard, standardText: form.show(standard), ...others };
}

/** A setting whose default depends on the surroundings, which `standardText` says in words. */
export function settingFrom<Value>(
  name: string,
  form: Form<Value>,
  rest: Omit<Row<NoInfer<Value>>, 'name' | 'form'>,
): Row<Value> {
  return { name, form, ...rest };
}
