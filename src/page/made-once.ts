/** Pieces of the page that stay the same for as long as what they are made of does. */
import type { Html } from './html.ts';

/**
 * Makes the piece of a value once, and again only when the detail is another one; it is forgotten
 * with the value. Fifty old handovers are not written anew for each second of an open page.
 */
export function madeOnce<Value extends object>(
  make: (value: Value, detail: number | undefined) => Html,
): (value: Value, detail: number | undefined) => Html {
  const made = new WeakMap<Value, { readonly detail: number | undefined; readonly html: Html }>();
  return (value, detail) => {
    const last = made.get(value);
    if (last !== undefined && last.detail === detail) return last.html;
    const html = make(value, detail);
    made.set(value, { detail, html });
    return html;
  };
}
