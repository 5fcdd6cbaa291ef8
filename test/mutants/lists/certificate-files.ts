import { mutantsOf } from '../mutant.ts';

export const ofCertificateVerdict = mutantsOf('certificate-verdict.ts', [
  ['what is refused holds nothing', 'if (unfit.length > 0) return held(unfit);', ''],
  [
    'what is served is held when it expires',
    "if (known.accepted?.digest === look.digest) return { kind: 'unchanged', set };",
    '',
  ],
  ['a set with a file gone is taken', ', ...vanishedFiles(set, known)', ''],
  ['an unmatched pair is taken', 'if (problems.length > 0) return held(problems);', ''],
  ['what has expired is taken', 'if (wallMs > notAfterMs) {', 'if (false) {'],
  ['what is not valid yet is taken', 'if (wallMs < notBeforeMs) {', 'if (false) {'],
  [
    'folders with nothing in them are a set',
    'if (folders.some((folder) => pemFiles(folder).length > 0)) return [];',
    'return [];',
  ],
  [
    'one old authority holds its whole bundle',
    'problems.some((found) => found.length === 0)',
    'problems.every((found) => found.length === 0)',
  ],
  [
    'a key with a passphrase is taken',
    "if (block.kind === 'encryptedKey') return ['refused', 'its key is encrypted'];",
    '',
  ],
  [
    'half a pair that is not written yet is passed over',
    'if (!isExpectedToBePem(file.name, siblings)) return undefined;',
    'return undefined;',
  ],
  ['the last leaf to expire is told of', 'Math.min(...pairs', 'Math.max(...pairs'],
]);

export const ofCertificatePairs = mutantsOf('certificate-pairs.ts', [
  [
    'a key that belongs to nobody is passed over',
    '...spareKeys.map((spare) => checkSpareKey(spare, files)),',
    '',
  ],
  [
    'a leaf is served without its key',
    '...files.flatMap((file) => checkLeaf(file, files, spareKeys)),',
    '',
  ],
  [
    'files that are named as a pair need not be one',
    '...files.flatMap((file) => checkNamedPair(file, files)),',
    '',
  ],
  ['halves are paired across folders', 'other.folder === file.folder && ', ''],
  [
    'a trust bundle waits for a key',
    'return !leaf.isAuthority && !isNamedAsBundle(file.name);',
    'return true;',
  ],
  [
    'an authority is served without its key',
    "if (file.name === 'tls.crt' || file.name === 'cert-chain.pem') return true;",
    '',
  ],
  [
    'a leaf may stand anywhere in its file',
    'file.certificates[0]?.publicKeyId === key.publicKeyId',
    'file.certificates.some(isFor(key))',
  ],
]);

export const ofCertificateProof = mutantsOf('certificate-proof.ts', [
  [
    'an answer that nobody understands proves all',
    'if (contexts === undefined) return UNREADABLE;',
    'if (contexts === undefined) return undefined;',
  ],
  ['what came by SDS is never proved', 'byPath.length > 0 ? byPath : under(INLINE)', 'byPath'],
  [
    'what came by SDS stands for what is shown by its path',
    'byPath.length > 0 ? byPath : under(INLINE)',
    '[...byPath, ...under(INLINE)]',
  ],
  [
    'the first of a bundle proves all of it',
    '(isFirstEnough && isEqual(serials, first))',
    'isEqual(serials, first)',
  ],
  ['half a bundle proves all of it', 'one.size === other.size && ', ''],
  [
    'zeros in front make another serial number',
    "serialNumber.toLowerCase().replace(/^0+(?=.)/, '')",
    'serialNumber.toLowerCase()',
  ],
  [
    'a secret that is not shown was not accepted',
    'shown.has(name) && shown.get(name) !== version',
    'shown.get(name) !== version',
  ],
  [
    'a secret is accepted at any version',
    'shown.has(name) && shown.get(name) !== version',
    'false',
  ],
]);

export const ofCertificateUse = mutantsOf('certificate-use.ts', [
  ['what nobody asks for is expected', 'if (passedOver.has(tree)) return;', ''],
  ['what is asked for by SDS is not expected', ', ...mapsIn([...secrets], new Set())', ''],
]);

export const ofCertificateFacts = mutantsOf('certificate-facts.ts', [
  ['hidden files are part of a set', "name.startsWith('.') || ", ''],
]);

export const ofPemBlocks = mutantsOf('pem-blocks.ts', [
  [
    'a file that is cut off in a block is whole',
    'if (open !== undefined) return { blocks, defect: cutOff(open) };',
    '',
  ],
  [
    'a block may end another',
    "return side === 'END' && label === open.label ? undefined : cutOff(open);",
    "return side === 'END' ? undefined : cutOff(open);",
  ],
]);
