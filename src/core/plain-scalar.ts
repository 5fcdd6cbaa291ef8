import type { Tree } from './tree.ts';

const NULL = /^(?:null|Null|NULL|~|)$/;
const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))$/;

const MOST_32_BITS = 2n ** 31n;
const MOST_64_BITS = 2n ** 63n;

/**
 * What an unquoted YAML scalar means to Envoy (measured on 1.40): booleans in YAML 1.1's many
 * spellings, integers in decimal, octal (`012`) and hexadecimal, and nothing else. Of the integers
 * only those of 32 bits become numbers, those of 64 bits become decimal text, which Envoy's fields
 * read as well as a number, as they do a fraction.
 */
export function plainScalar(text: string): Tree {
  switch (scalarKind(text)) {
    case 'null':
      return null;
    case 'boolean':
      return TRUE.test(text);
    case 'integer':
      return integerOf(text);
    case 'text':
      return text;
  }
}

export function scalarKind(text: string): 'null' | 'boolean' | 'integer' | 'text' {
  if (NULL.test(text)) return 'null';
  if (TRUE.test(text) || FALSE.test(text)) return 'boolean';
  return INTEGER.test(text) ? 'integer' : 'text';
}

function integerOf(text: string): number | string {
  const [, sign, hexadecimal, octal, decimal] = INTEGER.exec(text) ?? [];
  const size = BigInt(decimal ?? (hexadecimal ? `0x${hexadecimal}` : `0o0${octal}`));
  const value = sign === '-' ? -size : size;
  if (isWithin(value, MOST_32_BITS)) return Number(value);
  return isWithin(value, MOST_64_BITS) ? value.toString() : text;
}

function isWithin(value: bigint, limit: bigint): boolean {
  return -limit <= value && value < limit;
}
