/** Warns of what is a trap in how the certificate folders and the run directory were set up. */
import { readCertificateSurroundings } from '../../adapters/certificate-surroundings.ts';
import type { FolderFacts } from '../../core/certificate-facts.ts';
import { type CertificateNotice, certificateNotices } from '../../core/certificate-notices.ts';
import type { LogRecord } from '../../core/log-record.ts';
import { foldersNamedIn } from '../../core/named-folders.ts';
import type { Tree } from '../../core/tree.ts';

export interface WarningParts {
  readonly runDirectory: string;
  /** As last read. */
  readonly bootstrap: () => Tree | undefined;
}

/** To be called with what each look found: each trap is told once for as long as it is there. */
export function createCertificateWarnings(
  record: (record: LogRecord) => void,
  { runDirectory, bootstrap }: WarningParts,
): (folders: readonly FolderFacts[]) => Promise<void> {
  let told: ReadonlySet<string> = new Set();
  return async (folders) => {
    const surroundings = await readCertificateSurroundings({ folders, runDirectory });
    const paths = folders.map(({ folder }) => folder);
    const namedFolders = foldersNamedIn(bootstrap() ?? [], paths);
    const notices = certificateNotices({ ...surroundings, namedFolders });
    for (const notice of notices) {
      if (told.has(keyOf(notice))) continue;
      const { about, message } = notice;
      record({
        level: 'warn',
        message: 'notice about certificates',
        fields: { about, notice: message },
      });
    }
    told = new Set(notices.map(keyOf));
  };
}

function keyOf({ about, message }: CertificateNotice): string {
  return `${about}\n${message}`;
}
