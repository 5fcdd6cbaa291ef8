/** A style sheet or a script for the browser, bundled and minified, as its text. */
declare module '*?bundled' {
  export const text: string;
}
