import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillTemplate, namesUsed, unusedNames } from '../../src/core/bootstrap.ts';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { Tree } from '../../src/core/tree.ts';

const nobodyNear = () => undefined;

function fill(tree: Tree, values: Readonly<Record<string, Tree>> = {}) {
  return fillTemplate(tree, new Map(Object.entries(values)), nobodyNear);
}

function messagesOf(tree: Tree, values: Readonly<Record<string, Tree>> = {}): readonly string[] {
  const filled = fill(tree, values);
  return filled.ok ? [] : filled.problems.map(({ message }) => message);
}

test.each<[string, Tree, Readonly<Record<string, Tree>>, Tree]>([
  ['a value within a text', 'a-${X}-b', { X: 'v' }, 'a-v-b'],
  ['a number within a text', 'a-${X}', { X: 5 }, 'a-5'],
  ['two values in one text', '${X}${Y}', { X: 'a', Y: 'b' }, 'ab'],
  ['a default within a text', '${X:-d}/${Y}', { Y: 'b' }, 'd/b'],
  ['a whole object', '${X}', { X: { a: [1] } }, { a: [1] }],
  ['a whole text without default as text', '${X}', { X: '8080' }, '8080'],
  ['a default as the number it is', '${X:-8080}', {}, 8080],
  ['a default as the boolean it is', '${X:-yes}', {}, true],
  ['an empty default as empty text', '${X:-}', {}, ''],
  ['a text as the number its default is', '${X:-8080}', { X: '9090' }, 9090],
  ['a large number over a number', '${X:-8080}', { X: '4294967296' }, '4294967296'],
  ['a text as the boolean its default is', '${X:-true}', { X: 'off' }, false],
  ['a text over a text default', '${X:-a}', { X: '5' }, '5'],
  ['a literal mark', '$${X} and $$ and $5', { X: 'v' }, '${X} and $$ and $5'],
  ['no key', { '${X}': '${X}' }, { X: 'v' }, { '${X}': 'v' }],
  ['no value again', '${X}', { X: '${Y}' }, '${Y}'],
])('a template takes %s', (_name, tree, values, filled) => {
  expect(fill(tree, values)).toEqual({ ok: true, value: filled });
});

test('an unknown name is a problem that says where, what is near and how to set it', () => {
  const values = new Map<string, Tree>([['APP_PORT', '1']]);

  const filled = fillTemplate({ a: [{ b: 'x${APP_PROT}' }] }, values, () => 'APP_PORT');

  expect(filled).toEqual({
    ok: false,
    problems: [
      {
        about: 'BATON_BOOTSTRAP',
        message:
          'Cannot fill ${APP_PROT} at a[0].b: nothing has this name. The nearest known name is APP_PORT. Set BATON_TEMPLATE_APP_PROT, write ${APP_PROT:-DEFAULT}, or $${APP_PROT} for the text itself.',
      },
    ],
  });
});

test('all problems are reported at once', () => {
  const tree = { a: '${A}', b: '${B} and ${C}', c: '${1}', d: '${D:-5}' };

  expect(messagesOf(tree, { D: 'five' })).toHaveLength(5);
});

test.each<[string, Tree, Tree, string]>([
  ['a number', '${PORT:-80}', 'secret', 'a whole number, as its default 80 is (at a)'],
  ['a boolean', '${PORT:-true}', 'secret', 'true or false, as its default true is (at a)'],
])('a value that is not %s is refused without being shown', (_name, tree, value, form) => {
  expect(messagesOf({ a: tree }, { PORT: value })).toEqual([
    `Expected BATON_TEMPLATE_PORT to be ${form}.`,
  ]);
});

test.each(['${', '${}', '${1A}', '${A-b}', '${A:-${B}}', 'a ${A b}'])(
  '%j is refused because it begins no variable',
  (text) => {
    expect(messagesOf({ a: text })).toContain(
      'Cannot fill the text at a: its ${ begins no variable. Write ${NAME}, ${NAME:-DEFAULT}, or $${ for the text itself.',
    );
  },
);

test('an object within a text is refused', () => {
  expect(messagesOf({ a: 'x${NODE_METADATA}' }, { NODE_METADATA: {} })).toEqual([
    'Cannot put ${NODE_METADATA} into the text at a: it is a structure and can only stand alone.',
  ]);
});

test('an unknown CERT_DIR is told to be a matter of the certificate folders', () => {
  expect(messagesOf('${CERT_DIR}')[0]).toContain('Set BATON_CERT_DIRS');
});

test('the names in use are those of values, defaults or not, and not those written literally', () => {
  const tree = { '${KEY}': ['${A}', 'x${B:-1}${C}', '$${D}'] };

  expect([...namesUsed(tree)]).toEqual(['A', 'B', 'C']);
});

test('a given name that no variable has is a problem with the nearest that there is', () => {
  const problems = unusedNames('${APP_PORT:-1}', ['APP_PROT'], () => 'APP_PORT');

  expect(problems).toEqual([
    {
      about: 'BATON_TEMPLATE_APP_PROT',
      message:
        'Expected BATON_TEMPLATE_APP_PROT to name a variable of the bootstrap, which has no ${APP_PROT}. Did you mean BATON_TEMPLATE_APP_PORT?',
    },
  ]);
});

const hostileText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    '"},"admin":{"address":{}}',
    "'\n- injected: true\n",
    '{{ .Values }}',
    '${OTHER}',
    '$${',
    '&anchor *alias',
    '</script>',
    '\u2028\u2029',
    '\ud800',
    '$&$1$`',
    '__proto__',
  ),
);

test('whatever a value holds, it is data in an unchanged structure', () => {
  const template = { node: { id: '${X}', text: 'a${X}b${Y:-c}', '${X}': 1 }, list: ['${X}'] };
  fc.assert(
    fc.property(hostileText, (value) => {
      const filled = fill(template, { X: value });

      expect(filled).toStrictEqual({
        ok: true,
        value: { node: { id: value, text: `a${value}bc`, '${X}': 1 }, list: [value] },
      });
      if (filled.ok) expect(JSON.parse(canonicalJson(filled.value))).toStrictEqual(filled.value);
    }),
  );
});

test('whatever a template holds, filling ends in a tree or in problems', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (tree) => {
      expect(typeof fill(tree as Tree).ok).toBe('boolean');
    }),
  );
});
