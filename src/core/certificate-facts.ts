/**
 * What one look at the certificate folders found, as plain facts: no key material and nothing that
 * is not fit to be shown. The verdict is made from these alone.
 */
import type { Digest } from './model.ts';

export interface CertificateLook {
  /** SHA-256 over folders, names and contents, each framed by its length. */
  readonly digest: Digest;
  /** In the order of the setting. */
  readonly folders: readonly FolderFacts[];
}

export interface FolderFacts {
  /** As the setting names it. */
  readonly folder: string;
  /** Sorted by name. */
  readonly files: readonly FileFacts[];
  /** Why there are no files; `unreadable` is for now, `refused` until someone mends it. */
  readonly trouble?: {
    readonly kind: 'absent' | 'unreadable' | 'refused';
    readonly reason: string;
  };
}

export interface FileFacts {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly content: FileContent;
}

export type FileContent =
  | { readonly kind: 'pem'; readonly blocks: readonly PemBlockFacts[] }
  /** Not a PEM block in it: a password, a namespace, or a certificate in another format. */
  | { readonly kind: 'plain'; readonly isLikelyDer: boolean }
  /** Not a small regular file; it was not read. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Not there or not readable at this moment. */
  | { readonly kind: 'unreadable'; readonly reason: string };

export type PemBlockFacts =
  | CertificateFacts
  | KeyFacts
  | { readonly kind: 'encryptedKey' }
  /** A block that is cut off or does not parse; the last one of its file. */
  | { readonly kind: 'broken'; readonly reason: string }
  /** Parameters, a public key, a revocation list. */
  | { readonly kind: 'other' };

export interface CertificateFacts {
  readonly kind: 'certificate';
  /** On one line, cut when long. */
  readonly subject: string;
  /** Upper-case hexadecimal. */
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Equal exactly when the public keys are. */
  readonly publicKeyId: string;
  /** `rsa`, `ec`, ... */
  readonly keyType: string;
  /** Signs others or itself. */
  readonly isAuthority: boolean;
}

export interface KeyFacts {
  readonly kind: 'privateKey';
  /** Of the public half. */
  readonly publicKeyId: string;
  readonly keyType: string;
}

/**
 * Whether a file is no part of a set: hidden ones (Kubernetes' own `..data` among them) and the
 * temporary and backup copies that writers leave beside the real files for a while.
 */
export function isPassedOver(name: string): boolean {
  return (
    name.startsWith('.') || /(~|[._-](tmp|temp|part|new|old|orig|bak|backup|swp|\d+))$/i.test(name)
  );
}
