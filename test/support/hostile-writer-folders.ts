/** The folders that a hostile writer keeps, in every layout, and how one is filled as it should be. */
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Material, plainText } from './hostile-writer-material.ts';

/**
 * `plain`: the files lie in the folder itself. `kubernetes`: in a directory that its `..data` leads
 * to. `chained`: several links, absolute and relative ones, lead to the folder.
 */
export type FolderKind = 'plain' | 'kubernetes' | 'chained';

export interface Slot {
  readonly certificate: string;
  readonly key: string;
}

export interface FolderPlan {
  readonly kind: FolderKind;
  /** Its base name. */
  readonly base: string;
  readonly slots: readonly Slot[];
  readonly bundle: string;
}

export interface HostileFolder extends FolderPlan {
  /** As the setting names it. */
  readonly path: string;
}

const tls = { slots: [{ certificate: 'tls.crt', key: 'tls.key' }], bundle: 'ca.crt' };
const istio = {
  slots: [{ certificate: 'cert-chain.pem', key: 'key.pem' }],
  bundle: 'root-cert.pem',
};
const several = {
  slots: [
    { certificate: 'a.crt', key: 'a.key' },
    { certificate: 'b.pem', key: 'b-key.pem' },
  ],
  bundle: 'ca.crt',
};

export const LAYOUTS = {
  plain: [{ kind: 'plain', base: 'certs', ...tls }],
  kubernetes: [{ kind: 'kubernetes', base: 'certs', ...tls }],
  chained: [{ kind: 'chained', base: 'certs', ...istio }],
  severalPairs: [{ kind: 'plain', base: 'certs', ...several }],
  severalPairsInKubernetes: [{ kind: 'kubernetes', base: 'certs', ...several }],
  severalFolders: [
    { kind: 'plain', base: 'ingress', ...tls },
    { kind: 'kubernetes', base: 'mesh', ...istio },
  ],
  severalOfEach: [
    { kind: 'chained', base: 'ingress', ...tls },
    { kind: 'plain', base: 'mesh', ...several },
  ],
} as const satisfies Readonly<Record<string, readonly FolderPlan[]>>;

export type LayoutName = keyof typeof LAYOUTS;

/** Makes all but what is for the writer to publish. */
export function createFolders(root: string, name: LayoutName): readonly HostileFolder[] {
  return LAYOUTS[name].map((plan) => {
    const folder = { ...plan, path: pathIn(root, plan) };
    if (plan.kind !== 'chained') mkdirSync(dirname(folder.path));
    if (plan.kind === 'kubernetes') mkdirSync(folder.path);
    if (plan.kind === 'chained') layChain(root, plan.base);
    return folder;
  });
}

function pathIn(root: string, { kind, base }: FolderPlan): string {
  return kind === 'chained' ? join(root, `entry-${base}`, base) : join(root, `at-${base}`, base);
}

/** `entry` leads to `hops/first`, that to `releases/current`, and that to one release. */
function layChain(root: string, base: string): void {
  mkdirSync(join(root, `hops-${base}`));
  mkdirSync(join(root, `releases-${base}`));
  symlinkSync(join(root, `hops-${base}`, 'first'), join(root, `entry-${base}`));
  symlinkSync(`../releases-${base}/current`, join(root, `hops-${base}`, 'first'));
}

/** The last link of the chain, for a `chained` folder. */
export function currentLinkOf({ path, base }: HostileFolder): string {
  return join(dirname(dirname(path)), `releases-${base}`, 'current');
}

export const namesOf = ({ slots, bundle }: FolderPlan): readonly string[] => [
  ...slots.flatMap(({ certificate, key }) => [certificate, key]),
  bundle,
];

/** Which leaf and which bundle are where, from a first one on. */
export interface GoodSet {
  readonly leaf: number;
  readonly bundle: number;
}

/** A whole and matched set; the leaves of a folder's slots follow one upon the other. */
export function goodFiles(
  folder: FolderPlan,
  { leaf, bundle }: GoodSet,
  material: Material,
): ReadonlyMap<string, Buffer> {
  const files = folder.slots.flatMap(({ certificate, key }, index) => {
    const pick = leaf + index;
    return [
      [certificate, Buffer.from(plainText({ half: 'certificate', pick }, material))],
      [key, Buffer.from(plainText({ half: 'key', pick }, material))],
    ] as const;
  });
  const trusted = Buffer.from(plainText({ half: 'bundle', pick: bundle }, material));
  return new Map([...files, [folder.bundle, trusted]]);
}

/** Places of each folder's files within a snapshot: the first on top, others under their names. */
export function placeOf(folder: Pick<HostileFolder, 'path'>, index: number): string {
  return index === 0 ? '' : basename(folder.path);
}

/** Names in a directory, none where there is none. */
export function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
