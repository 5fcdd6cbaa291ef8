/**
 * What one look at the certificate folders means. Only an `accepted` set is ever copied and given
 * to Envoy; every other verdict holds: the set accepted before serves on, and the next look judges
 * anew.
 */
import type {
  CertificateFacts,
  CertificateLook,
  FileFacts,
  FolderFacts,
  PemBlockFacts,
} from './certificate-facts.ts';
import {
  type CertificatePair,
  isCertificateName,
  keyNamesFor,
  type PemFile,
  pairFiles,
  pathOf,
} from './certificate-pairs.ts';
import type { Digest } from './model.ts';

export type CertificateVerdict =
  | {
      /** `unchanged`: it is the set accepted before, and its dates are not judged again. */
      readonly kind: 'accepted' | 'unchanged';
      readonly set: CertificateSet;
    }
  | {
      readonly kind: HeldKind;
      /** At least one; all of the step that `kind` names, which hides those of later steps. */
      readonly problems: readonly CertificateProblem[];
      /** What to do about it, in one line. */
      readonly advice: string;
    };

/**
 * Why a set is held. `missing`: not there or not readable at this moment, whole folders and files
 * of the accepted set included. `refused`: there, and of a sort that is never read.
 */
export type HeldKind = (typeof heldKinds)[number];
/** In this order the first kind among several problems gives the verdict its name. */
export const heldKinds = [
  'refused',
  'missing',
  'unparsable',
  'waitingForOtherHalf',
  'mismatched',
  'expired',
  'notYetValid',
] as const;

/** A whole, matched and valid set. */
export interface CertificateSet {
  readonly digest: Digest;
  /** All files of it, `FOLDER/NAME`, sorted within each folder. */
  readonly files: readonly string[];
  readonly pairs: readonly CertificatePair[];
  /** When the first leaf expires; absent when there are trust bundles alone. */
  readonly earliestExpiryMs?: number;
}

export interface CertificateProblem {
  readonly kind: HeldKind;
  /** The path it is about. */
  readonly about: string;
  readonly message: string;
}

export interface KnownCertificates {
  /** Wall-clock milliseconds since 1970. */
  readonly wallMs: number;
  /**
   * The set accepted last. Left out, nothing counts as deleted: that is how someone who asks by
   * hand gets on without a file that is gone for good.
   */
  readonly accepted?: Pick<CertificateSet, 'digest' | 'files'>;
}

const advice: Readonly<Record<HeldKind, string>> = {
  refused: 'Name folders with regular files of at most 1 MiB each (keys without a passphrase).',
  missing:
    'Put it back or make it readable; when it is gone for good, restart Baton, which starts with what is there.',
  unparsable: 'Write the file anew as whole PEM blocks, of a chain the leaf first.',
  waitingForOtherHalf: 'Write both halves of the pair; an empty file is none.',
  mismatched: 'Write the certificate and the key that belong together, the leaf first.',
  expired: 'Have a new certificate issued; what has expired is never rolled out.',
  notYetValid: 'Nothing, if the clock is right: it is taken once it is valid.',
};

/** Judges a look. No folders at all make an empty set, which is accepted. */
export function judgeCertificates(
  look: CertificateLook,
  known: KnownCertificates,
): CertificateVerdict {
  const unfit = look.folders.flatMap(unfitFiles);
  if (unfit.length > 0) return held(unfit);
  const { pairs, problems } = pairFiles(look.folders.flatMap(pemFiles));
  const set = setOf(look, pairs);
  if (known.accepted?.digest === look.digest) return { kind: 'unchanged', set };
  const missing = [...missingFolders(look.folders), ...vanishedFiles(set, known)];
  if (missing.length > 0) return held(missing);
  if (problems.length > 0) return held(problems);
  const outOfDate = [
    ...pairs.flatMap(({ certificatePath, leaf }) => {
      return dateProblems(certificatePath, leaf, known.wallMs);
    }),
    ...bundles(look, pairs).flatMap((bundle) => bundleProblems(bundle, known.wallMs)),
  ];
  return outOfDate.length > 0 ? held(outOfDate) : { kind: 'accepted', set };
}

/** Whether there is not one file in any folder: nothing was ever put there, or all was taken away. */
export function isNothingThere(look: CertificateLook): boolean {
  return look.folders.every(
    ({ files, trouble }) => files.length === 0 && (trouble?.kind ?? 'absent') === 'absent',
  );
}

/** The problems of one step; the first kind in the order of `HeldKind` gives its name. */
function held(problems: readonly CertificateProblem[]): CertificateVerdict {
  const kinds = new Set(problems.map((problem) => problem.kind));
  const kind = heldKinds.find((candidate) => kinds.has(candidate)) ?? 'refused';
  return { kind, problems, advice: advice[kind] };
}

function setOf(look: CertificateLook, pairs: readonly CertificatePair[]): CertificateSet {
  const files = look.folders.flatMap(({ folder, files }) =>
    files.map(({ name }) => pathOf({ folder, name })),
  );
  const set = { digest: look.digest, files, pairs };
  if (pairs.length === 0) return set;
  return { ...set, earliestExpiryMs: Math.min(...pairs.map(({ leaf }) => leaf.notAfterMs)) };
}

function unfitFiles({ folder, files, trouble }: FolderFacts): CertificateProblem[] {
  if (trouble?.kind === 'refused') return [cannotUse('refused', folder, trouble.reason)];
  if (trouble?.kind === 'unreadable') return [cannotUse('missing', folder, trouble.reason)];
  return files.flatMap((file) => {
    const [kind, reason] = unfitness(file, files) ?? [];
    return kind === undefined || reason === undefined
      ? []
      : [cannotUse(kind, pathOf({ folder, name: file.name }), reason)];
  });
}

type Unfitness = readonly [kind: HeldKind, reason: string];

function unfitness(file: FileFacts, siblings: readonly FileFacts[]): Unfitness | undefined {
  const { content } = file;
  switch (content.kind) {
    case 'refused':
      return ['refused', content.reason];
    case 'unreadable':
      return ['missing', content.reason];
    case 'pem':
      return firstUnfitBlock(content.blocks);
    case 'plain':
      if (!isExpectedToBePem(file.name, siblings)) return undefined;
      if (file.size === 0) return ['waitingForOtherHalf', 'it is empty'];
      return ['unparsable', content.isLikelyDer ? 'it is DER, not PEM' : 'no PEM block is in it'];
  }
}

function firstUnfitBlock(blocks: readonly PemBlockFacts[]): Unfitness | undefined {
  for (const block of blocks) {
    if (block.kind === 'broken') return ['unparsable', block.reason];
    if (block.kind === 'encryptedKey') return ['refused', 'its key is encrypted'];
  }
  return undefined;
}

/** `.key` files may hold other keys than private ones, so only a certificate's own counts. */
function isExpectedToBePem(name: string, siblings: readonly FileFacts[]): boolean {
  if (isCertificateName(name)) return true;
  return siblings.some((sibling) => keyNamesFor(sibling.name).includes(name));
}

function pemFiles({ folder, files }: FolderFacts): PemFile[] {
  return files.flatMap(({ name, content }) => {
    if (content.kind !== 'pem') return [];
    const certificates = content.blocks.filter((block) => block.kind === 'certificate');
    const keys = content.blocks.filter((block) => block.kind === 'privateKey');
    return certificates.length + keys.length === 0 ? [] : [{ folder, name, certificates, keys }];
  });
}

/** An empty folder beside a full one may be an optional secret; nothing anywhere is a hold. */
function missingFolders(folders: readonly FolderFacts[]): CertificateProblem[] {
  if (folders.some((folder) => pemFiles(folder).length > 0)) return [];
  return folders.map(({ folder, trouble }) =>
    cannotUse('missing', folder, trouble?.reason ?? 'no certificate is in it'),
  );
}

function vanishedFiles(set: CertificateSet, { accepted }: KnownCertificates) {
  const present = new Set(set.files);
  return (accepted?.files ?? [])
    .filter((path) => !present.has(path))
    .map((path) => cannotUse('missing', path, 'it was there before and is gone'));
}

function dateProblems(
  path: string,
  { notBeforeMs, notAfterMs }: CertificateFacts,
  wallMs: number,
): CertificateProblem[] {
  if (wallMs > notAfterMs) {
    return [cannotUse('expired', path, `it expired ${spanOf(wallMs - notAfterMs)} ago`)];
  }
  if (wallMs < notBeforeMs) {
    return [cannotUse('notYetValid', path, `it becomes valid in ${spanOf(notBeforeMs - wallMs)}`)];
  }
  return [];
}

/** Files with certificates that have no key: whom to trust. */
function bundles({ folders }: CertificateLook, pairs: readonly CertificatePair[]): PemFile[] {
  const served = new Set(pairs.map(({ certificatePath }) => certificatePath));
  return folders
    .flatMap(pemFiles)
    .filter((file) => file.certificates.length > 0 && !served.has(pathOf(file)));
}

/** One that is valid is enough: old authorities stay in a bundle for a while, and new ones come early. */
function bundleProblems(file: PemFile, wallMs: number): CertificateProblem[] {
  const problems = file.certificates.map((one) => dateProblems(pathOf(file), one, wallMs));
  const isUsable = problems.some((found) => found.length === 0);
  const [kind] = problems.flat().map((problem) => problem.kind);
  if (isUsable || kind === undefined) return [];
  const reason = kind === 'expired' ? 'all in it have expired' : 'none in it is valid yet';
  return [cannotUse(kind, pathOf(file), reason)];
}

function cannotUse(kind: HeldKind, about: string, reason: string): CertificateProblem {
  return { kind, about, message: `Cannot use ${about}: ${reason}.` };
}

/** Rounded up, in the largest unit that fits twice. */
function spanOf(ms: number): string {
  if (ms >= 2 * dayMs) return `${Math.ceil(ms / dayMs)} days`;
  if (ms >= 2 * hourMs) return `${Math.ceil(ms / hourMs)} hours`;
  if (ms >= 2 * minuteMs) return `${Math.ceil(ms / minuteMs)} minutes`;
  return `${Math.ceil(ms / 1_000)} s`;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
