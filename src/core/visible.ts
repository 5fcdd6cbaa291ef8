/**
 * Text from elsewhere on its way to a terminal or a log: a path, a header or a message of Envoy's
 * may hold what a terminal takes for a command, or a reader for a line of its own.
 */

/** With what changes the direction of writing. */
const CONTROL = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;
/** What JSON leaves as it is; the end of its line stays. */
const BARE_IN_JSON = /[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/gu;
const ESCAPE_IN_JSON = /\\(?:["\\/]|[bfnrtu])/g;

/** The same text in one line that shows its controls as JSON would write them. */
export function visible(text: string): string {
  return text.replace(CONTROL, (control) => SHORT[control] ?? escaped(control));
}

/** The same JSON, with no control in it but its last line's end. */
export function visibleJson(json: string): string {
  return json.replace(BARE_IN_JSON, escaped);
}

/** JSON whose strings say what the given ones do, with their controls made visible. */
export function withVisibleStrings(json: string): string {
  const isPlain = (text: string) => /["\\/]$/.test(text);
  return visibleJson(json).replace(ESCAPE_IN_JSON, (one) => (isPlain(one) ? one : `\\${one}`));
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
