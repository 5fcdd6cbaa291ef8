/** Pieces of a page in which no value can become markup: what is filled in is escaped. */

/** Made by `html` alone. */
export interface Html {
  readonly markup: string;
}

/** `false` and `undefined` stand for nothing. */
type Fill = string | number | false | undefined | Html | readonly Html[];

/** A template whose fills are escaped, but for those that are pieces themselves. */
export function html(parts: TemplateStringsArray, ...fills: readonly Fill[]): Html {
  return { markup: parts.map((part, at) => part + markupOf(fills[at])).join('') };
}

function markupOf(fill: Fill): string {
  if (fill === undefined || fill === false) return '';
  if (typeof fill !== 'object') return escaped(String(fill));
  return 'markup' in fill ? fill.markup : fill.map(({ markup }) => markup).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters go too, and those that turn the direction of what follows. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
