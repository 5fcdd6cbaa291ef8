/** All settings, in the order in which they are documented. */
import type { Row } from './row.ts';
import { agentRows } from './rows-agent.ts';
import { certificateRows } from './rows-certificates.ts';
import { envoyRows } from './rows-envoy.ts';
import { handoverRows } from './rows-handover.ts';

export const table = { ...envoyRows, ...certificateRows, ...handoverRows, ...agentRows };

export type SettingKey = keyof typeof table;

type ValueOf<AnyRow> = AnyRow extends Row<infer Value> ? Value : never;

/** Every setting's value by its key; durations in milliseconds. */
export type Values = { readonly [Key in SettingKey]: ValueOf<(typeof table)[Key]> };

/** The prefix of a value for a template's `${NAME}`. */
export const TEMPLATE_PREFIX = 'BATON_TEMPLATE_';

/** Settings that are many: a name for each, and where the documentation puts them. */
export const families = [
  {
    name: 'BATON_TEMPLATE_<NAME>',
    meaning: "the value of a bootstrap template's variable of this NAME",
  },
  {
    name: 'ISTIO_META_<NAME>, ISTIO_METAJSON_<NAME>',
    meaning: "an entry of Envoy's node metadata, as text or as JSON",
  },
] as const;

/** The rows with their keys; what each row's value is, is no longer known of them. */
export function allRows(): readonly (readonly [SettingKey, Row<unknown>])[] {
  return Object.entries(table) as unknown as readonly (readonly [SettingKey, Row<unknown>])[];
}
