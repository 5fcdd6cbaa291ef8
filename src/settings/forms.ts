/** What a setting's text may look like and what it becomes. */
import { split } from 'shlex';
import * as v from 'valibot';
import { durationMs, durationText } from './duration.ts';

/** One form of value: how it is described, read and written. */
export interface Form<Value> {
  /** Follows "Expected NAME to be". */
  readonly text: string;
  /** The text's value; its issues mean that the text is not of this form. */
  readonly schema: v.GenericSchema<string, Value>;
  /** Written so that reading it gives the same value. */
  readonly show: (value: Value) => string;
}

const MOST_TEXT = 65_536;
// A NUL would end the word early in whatever the value is handed to.
const words = v.pipe(v.string(), v.maxLength(MOST_TEXT), v.regex(/^[^\0]*$/));
const trimmedWords = v.pipe(words, v.regex(/\S/));

export const duration: Form<number> = {
  text: 'a duration like 200ms, 45s or 1m30s',
  schema: read(durationMs),
  show: durationText,
};

/** For a wait that would be a busy loop when it were shorter. */
export function durationFrom(leastMs: number): Form<number> {
  return {
    text: `${duration.text}, ${durationText(leastMs)} or more`,
    schema: v.pipe(duration.schema, v.minValue(leastMs)),
    show: durationText,
  };
}

/** The same, or `0s` for what is switched off by it. */
export function zeroOrDurationFrom(leastMs: number): Form<number> {
  const form = durationFrom(leastMs);
  const zero = v.pipe(duration.schema, v.literal(0));
  return { ...form, text: `0s or ${form.text}`, schema: v.union([zero, form.schema]) };
}

/** For what becomes a flag of Envoy that counts seconds. */
export const wholeSeconds: Form<number> = {
  text: 'a duration of whole seconds like 45s or 1m30s, 1s or more',
  schema: read((text) => wholeSecondsOf(durationMs(text))),
  show: durationText,
};

/** For aliases that say seconds. */
export const bareSeconds: Form<number> = {
  text: 'a whole number of seconds',
  schema: read((text) => (/^[0-9]{1,7}$/.test(text) ? durationMs(`${text}s`) : undefined)),
  show: (ms) => String(ms / 1000),
};

export const durationOrSeconds: Form<number> = {
  text: 'a duration like 5s, or a whole number of seconds',
  schema: v.union([duration.schema, bareSeconds.schema]),
  show: durationText,
};

export const port: Form<number> = { ...integer(0, 65_535), text: 'a port from 0 to 65535' };

export function integer(least: number, most: number): Form<number> {
  return {
    text: `a whole number from ${least} to ${most}`,
    schema: v.pipe(
      v.string(),
      v.regex(/^[0-9]{1,10}$/),
      v.transform(Number),
      v.minValue(least),
      v.maxValue(most),
    ),
    show: String,
  };
}

export const text: Form<string> = { text: 'not empty', schema: trimmedWords, show: String };

export const path: Form<string> = { text: 'a path', schema: trimmedWords, show: String };

export const address: Form<string> = {
  text: 'an IP address like :: or 127.0.0.1',
  schema: v.pipe(v.string(), v.ip()),
  show: String,
};

/** Empty for none. */
export const url: Form<string | undefined> = {
  text: 'an http:// or https:// URL, or empty',
  schema: orNone(v.pipe(words, v.url(), v.regex(/^https?:\/\/\S+$/i))),
  show: (value) => (value === undefined ? '' : withoutUserInfo(value)),
};

/** Read elsewhere, where what is wrong with it can be told in detail; not shown, for all its length. */
export const json: Form<string> = {
  text: 'JSON, or empty',
  schema: words,
  show: (value) => (value === '' ? '' : '{...}'),
};

export const componentLevels: Form<string> = {
  text: 'component:level pairs with commas between, like upstream:debug,http:trace',
  schema: v.pipe(words, v.regex(/^(?:[\w-]+:[a-z]+(?:,[\w-]+:[a-z]+)*)?$/)),
  show: String,
};

/** Split as a shell would, without its expansions. */
export const shellWords: Form<readonly string[]> = {
  text: 'words quoted as for a shell, every quote closed',
  schema: v.pipe(words, read(splitWords)),
  show: (value) => value.join(' '),
};

/** Separated by commas; empty for none. */
export function list(what: string): Form<readonly string[]> {
  return { text: `${what} with commas between, or empty`, schema: commaList(), show: joined };
}

export function oneOf<const Name extends string>(...names: readonly Name[]): Form<Name> {
  return { text: `one of ${names.join(', ')}`, schema: v.picklist(names), show: String };
}

export function someOf<const Name extends string>(...names: Name[]): Form<readonly Name[]> {
  return {
    text: `some of ${names.join(', ')} with commas between, or empty`,
    schema: v.pipe(commaList(), v.array(v.picklist(names)), v.readonly()),
    show: joined,
  };
}

/** `word` for "as Baton sees fit", which is the absence of a value. */
export function orWord<Value>(word: string, form: Form<Value>): Form<Value | undefined> {
  const unset = v.pipe(
    v.literal(word),
    v.transform(() => undefined),
  );
  return {
    text: `${word} or ${form.text}`,
    schema: v.union([unset, form.schema]),
    show: (value) => (value === undefined ? word : form.show(value)),
  };
}

/** A value that may be absent by default but must be of the form when given. */
export function optional<Value>(form: Form<Value>): Form<Value | undefined> {
  return { ...form, show: (value) => (value === undefined ? '' : form.show(value)) };
}

function orNone(
  schema: v.GenericSchema<string, string>,
): v.GenericSchema<string, string | undefined> {
  return v.union([
    v.pipe(
      v.literal(''),
      v.transform(() => undefined),
    ),
    schema,
  ]);
}

function commaList(): v.GenericSchema<string, string[]> {
  return v.pipe(
    words,
    v.transform((text) => (text.trim() === '' ? [] : text.split(',').map((part) => part.trim()))),
    v.array(v.pipe(v.string(), v.nonEmpty())),
    v.maxLength(100),
  );
}

function joined(names: readonly string[]): string {
  return names.join(',');
}

/** A schema from a function that knows the form; absent means it is not of it. */
function read<Value>(parse: (text: string) => Value | undefined): v.GenericSchema<string, Value> {
  return v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value);
      if (value !== undefined) return value;
      addIssue();
      return NEVER;
    }),
  );
}

function wholeSecondsOf(ms: number | undefined): number | undefined {
  return ms !== undefined && ms >= 1000 && ms % 1000 === 0 ? ms : undefined;
}

function splitWords(text: string): readonly string[] | undefined {
  try {
    return split(text);
  } catch {
    return undefined;
  }
}

function withoutUserInfo(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/?#]*@/, '$1...@');
}
