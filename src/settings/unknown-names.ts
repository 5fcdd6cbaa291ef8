import { settingInstead } from '../core/template-values.ts';
import type { Problem } from '../ports.ts';
import { nearestName } from './nearest.ts';
import type { Environment } from './read-row.ts';
import { allRows, TEMPLATE_PREFIX } from './table.ts';

const NAMES: ReadonlySet<string> = new Set(allRows().map(([, row]) => row.name));
const MOST_TEMPLATE_VALUE = 65_536;

/** A problem for each name that begins like a setting and is none, in whatever case it is written. */
export function unknownNames(env: Environment): readonly Problem[] {
  return Object.keys(env)
    .filter((name) => env[name] !== undefined && /^baton_/i.test(name))
    .filter((name) => !NAMES.has(name) && !name.startsWith(TEMPLATE_PREFIX))
    .filter((name) => !isServiceLink(name, env[name] ?? ''))
    .sort()
    .map((name) => {
      const shown = name.slice(0, 100);
      const near = nearestName(name, NAMES);
      const hint = near === undefined ? '' : ` Did you mean ${near}?`;
      return { about: shown, message: `Cannot use ${shown}: no setting has this name.${hint}` };
    });
}

/**
 * Kubernetes puts such variables for every Service into a pod; one named `baton` must not keep the
 * agent from starting.
 */
function isServiceLink(name: string, value: string): boolean {
  if (/_SERVICE_HOST$|_SERVICE_PORT(?:_\w+)?$/.test(name)) return true;
  if (/_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(name)) return true;
  return name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value);
}

export interface TemplateTexts {
  readonly values: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** The values for a template's names. No problem repeats a value: it may be a secret. */
export function templateTexts(env: Environment): TemplateTexts {
  const values = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(TEMPLATE_PREFIX) || text === undefined) continue;
    const name = variable.slice(TEMPLATE_PREFIX.length);
    const reason = refusalOf(name, text);
    if (reason === undefined) values.set(name, text);
    else
      problems.push({
        about: variable,
        message: `Cannot use ${variable.slice(0, 100)}: ${reason}.`,
      });
  }
  return { values, problems };
}

function refusalOf(name: string, text: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return 'the rest of its name must be letters, digits and underscores, no digit first';
  }
  const instead = settingInstead(name);
  if (instead !== undefined) return `\${${name}} is given by ${instead}`;
  if (text.length > MOST_TEMPLATE_VALUE) {
    return `its value is longer than ${MOST_TEMPLATE_VALUE} characters`;
  }
  return undefined;
}
