/** A built-in bootstrap template, put into the bundle as its text. */
declare module '*.yaml' {
  const text: string;
  export default text;
}
