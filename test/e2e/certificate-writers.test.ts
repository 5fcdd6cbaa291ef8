/** How certificates are written: whole and in halves, in any order, and by tools that know no better. */
import {
  appendFile,
  chmod,
  link,
  mkdtemp,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { issueSetOf, writeInto } from '../support/certificate-sets.ts';
import { type Authority, issueAuthority } from '../support/certificates.ts';
import {
  type Files,
  QUIET_MS,
  type WatchedCertificates,
  watchCertificates,
} from '../support/watched-certificates.ts';

const DAY_MS = 86_400_000;

let authority: Authority;
let first: Files;
let second: Files;
let root: string;
let folder: string;

beforeAll(async () => {
  authority = await issueAuthority();
  [first, second] = await Promise.all([issueSetOf(authority, 'one'), issueSetOf(authority, 'two')]);
});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'writer-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  folder = join(root, 'certs');
});

const at = (name: string) => join(folder, name);

const writeAll = (files: Files) => writeInto(folder, files);

async function watchFirst(): Promise<WatchedCertificates> {
  await writeAll(first);
  return watchCertificates(folder);
}

const ago = (ms: number) => new Date(Date.now() - ms);
const certificateOf = (files: Files) => files['tls.crt'] ?? '';
const keyOf = (files: Files) => files['tls.key'] ?? '';

describe('a look', () => {
  test('comes once for several writes, and not before it has been quiet for a while', async () => {
    const certificates = await watchFirst();
    const looksBefore = certificates.lookCount();

    for (const [name, text] of Object.entries(second)) {
      const hintsBefore = certificates.hintCount();
      await writeFile(at(name), text);
      await certificates.untilQuiet();
      expect(certificates.hintCount()).toBeGreaterThan(hintsBefore);
      await certificates.pass(QUIET_MS - 1);
    }
    const looksMeanwhile = certificates.lookCount() - looksBefore;
    await certificates.pass(1);

    expect(looksMeanwhile).toBe(0);
    expect(certificates.lookCount() - looksBefore).toBe(1);
    expect(certificates.served).toEqual([first, second]);
  });

  test('sees a file that is created, one that is changed and one that is deleted', async () => {
    await writeAll({ ...first, 'ca.crt': '' });
    await rm(at('ca.crt'));
    const certificates = await watchCertificates(folder);

    await certificates.lookAfter(() => writeFile(at('ca.crt'), authority.certificatePem));
    await certificates.lookAfter(() => appendFile(at('ca.crt'), 'a remark\n'));
    await certificates.lookAfter(() => rm(at('ca.crt')));

    expect(certificates.served.map((files) => files['ca.crt'])).toEqual([
      undefined,
      authority.certificatePem,
      `${authority.certificatePem}a remark\n`,
    ]);
    expect(certificates.held).toEqual([expect.stringMatching(/ca\.crt: it was there before/)]);
  });

  test('finds the same in files that were touched, had their rights changed or were rewritten', async () => {
    const certificates = await watchFirst();
    const looksBefore = certificates.lookCount();

    await certificates.lookAfter(() => utimes(at('tls.crt'), 1, 1));
    await certificates.lookAfter(() => chmod(at('tls.key'), 0o600));
    await certificates.lookAfter(() => writeAll(first));
    await certificates.lookAfter(async () => {
      await rm(folder, { recursive: true });
      await writeAll(Object.fromEntries(Object.entries(first).reverse()));
    });

    expect(certificates.lookCount() - looksBefore).toBe(4);
    expect(certificates.verdicts.slice(1)).toEqual(Array(4).fill('unchanged'));
    expect(certificates.served).toEqual([first]);
    expect(certificates.held).toEqual([]);
  });

  test('takes a trust bundle that changes alone for a change', async () => {
    const certificates = await watchFirst();
    const { certificatePem } = await issueAuthority();
    const bundle = authority.certificatePem + certificatePem;

    await certificates.lookAfter(() => writeFile(at('ca.crt'), bundle));

    expect(certificates.served).toEqual([first, { ...first, 'ca.crt': bundle }]);
  });
});

describe('files that are gone', () => {
  test('for a moment, and the same or others afterwards, are no more than what they become', async () => {
    const certificates = await watchFirst();

    for (const next of [first, second]) {
      await certificates.lookAfter(async () => {
        for (const name of Object.keys(first)) await rm(at(name));
        await certificates.pass(QUIET_MS - 1);
        await writeAll(next);
      });
    }

    expect(certificates.served).toEqual([first, second]);
    expect(certificates.held).toEqual([]);
  });

  test('for longer are held, and one change when they are written anew', async () => {
    const certificates = await watchFirst();

    await certificates.lookAfter(() => rm(at('tls.crt')));
    await certificates.lookAfter(() => rm(at('tls.key')));
    await certificates.poll();
    const meanwhile = [...certificates.served];
    await certificates.lookAfter(() => writeAll(second));

    expect(meanwhile).toEqual([first]);
    expect(certificates.held.at(0)).toMatch(/tls\.crt: it was there before and is gone/);
    expect(certificates.held.at(-1)).toBe('');
    expect(certificates.served).toEqual([first, second]);
  });

  test('with their folder are held, and every later change in its successor is seen', async () => {
    const certificates = await watchFirst();

    await certificates.lookAfter(() => rm(folder, { recursive: true }));
    await certificates.lookAfter(() => writeAll(second));
    await certificates.untilQuiet();
    await certificates.lookAfter(() => writeAll(first));

    expect(certificates.served).toEqual([first, second, first]);
  });

  test('with their folder, which is another one at once, are that one', async () => {
    const certificates = await watchFirst();

    for (const next of [second, first, second]) {
      await certificates.lookAfter(async () => {
        await rename(folder, join(root, 'old'));
        await writeAll(next);
        await rm(join(root, 'old'), { recursive: true });
      });
    }

    expect(certificates.served).toEqual([first, second, first, second]);
  });
});

describe('a file', () => {
  test('that is replaced by rename while a hard link keeps the old one is seen', async () => {
    const certificates = await watchFirst();
    await link(at('tls.crt'), join(root, 'kept'));

    await certificates.lookAfter(async () => {
      for (const [name, text] of Object.entries(second)) {
        await writeFile(at(`.${name}`), text);
        await rename(at(`.${name}`), at(name));
      }
    });

    expect(certificates.served).toEqual([first, second]);
  });

  test('that is moved aside for a new one under its name is seen', async () => {
    const certificates = await watchFirst();

    await certificates.lookAfter(async () => {
      for (const [name, text] of Object.entries(second)) {
        await rename(at(name), at(`${name}.1`));
        await writeFile(at(name), text);
      }
    });

    expect(certificates.served).toEqual([first, second]);
  });

  test('that is written through another name of it, which makes no event, is found by the poll', async () => {
    await writeAll(first);
    for (const name of Object.keys(first)) await link(at(name), join(root, name));
    const certificates = await watchCertificates(folder);
    await certificates.untilQuiet();
    const hintsBefore = certificates.hintCount();

    for (const [name, text] of Object.entries(second)) await writeFile(join(root, name), text);
    await certificates.untilQuiet();
    const hints = certificates.hintCount() - hintsBefore;
    await certificates.poll();

    expect(hints).toBe(0);
    expect(certificates.served).toEqual([first, second]);
  });

  test.each(['tls.crt', 'tls.key'] as const)(
    'that is %s and written in place bit by bit is one change, once it is whole',
    async (name) => {
      const certificates = await watchFirst();
      const other = name === 'tls.crt' ? 'tls.key' : 'tls.crt';
      const text = second[name] ?? '';

      await certificates.lookAfter(() => truncate(at(name)));
      await certificates.lookAfter(() => writeFile(at(name), text.slice(0, 100)));
      await certificates.lookAfter(() => writeFile(at(other), second[other] ?? ''));
      await certificates.lookAfter(() => appendFile(at(name), text.slice(100, -10)));
      const meanwhile = [...certificates.served];
      await certificates.lookAfter(() => appendFile(at(name), text.slice(-10)));

      expect(meanwhile).toEqual([first]);
      expect(certificates.held.at(-2)).toMatch(/is cut off|does not stand alone on its line/);
      expect(certificates.served).toEqual([first, second]);
    },
  );
});

describe('the halves of a pair', () => {
  test.each([
    ['certificate', 'tls.crt', 'tls.key'],
    ['key', 'tls.key', 'tls.crt'],
  ])('that come %s first are one change, when both are there', async (_, early, late) => {
    const certificates = await watchFirst();

    await certificates.lookAfter(() => writeFile(at(early), second[early] ?? ''));
    await certificates.poll();
    const meanwhile = [...certificates.served];
    await certificates.lookAfter(() => writeFile(at(late), second[late] ?? ''));

    expect(meanwhile).toEqual([first]);
    expect(certificates.held).toEqual([expect.stringMatching(/tls\.key is not its key/), '']);
    expect(certificates.served).toEqual([first, second]);
  });

  test('that never match are told of once, looked at again, and heal without a restart', async () => {
    const certificates = await watchFirst();

    await certificates.lookAfter(() => writeFile(at('tls.key'), keyOf(second)));
    for (let count = 0; count < 5; count += 1) await certificates.poll();
    const told = [...certificates.held];
    await certificates.lookAfter(() => writeFile(at('tls.crt'), certificateOf(second)));

    expect(told).toEqual([expect.stringMatching(/Write the certificate and the key that belong/)]);
    expect(certificates.verdicts.slice(1)).toEqual([...Array(6).fill('mismatched'), 'accepted']);
    expect(certificates.served).toEqual([first, second]);
  });
});

describe('a replacement', () => {
  test('that has expired is never taken, and a good one after it is', async () => {
    const certificates = await watchFirst();
    const [notBefore, notAfter] = [ago(9 * DAY_MS), ago(DAY_MS)];
    const old = await issueSetOf(authority, 'old', { notBefore, notAfter });

    await certificates.lookAfter(() => writeAll(old));
    await certificates.poll();
    const meanwhile = [...certificates.served];
    await certificates.lookAfter(() => writeAll(second));

    expect(meanwhile).toEqual([first]);
    expect(certificates.held[0]).toMatch(
      /tls\.crt: it expired 2\d hours ago\. Have a new certificate/,
    );
    expect(certificates.served).toEqual([first, second]);
  });

  test('that is not valid yet is taken by a poll once it is, though nothing changes any more', async () => {
    const certificates = await watchFirst();
    const early = await issueSetOf(authority, 'early', { notBefore: ago(-DAY_MS) });

    await certificates.lookAfter(() => writeAll(early));
    const meanwhile = [...certificates.served];
    certificates.setWallAhead(DAY_MS + 60_000);
    await certificates.poll();

    expect(meanwhile).toEqual([first]);
    expect(certificates.held).toEqual([expect.stringMatching(/it becomes valid in 2\d hours/), '']);
    expect(certificates.verdicts.slice(1)).toEqual(['notYetValid', 'accepted']);
    expect(certificates.served).toEqual([first, early]);
  });

  test('that a wrong clock takes for one of the future is told of, and taken when it is set right', async () => {
    const certificates = await watchFirst();

    certificates.setWallAhead(-30 * DAY_MS);
    await certificates.lookAfter(() => writeAll(second));
    const meanwhile = [...certificates.served];
    certificates.setWallAhead(0);
    await certificates.poll();

    expect(meanwhile).toEqual([first]);
    expect(certificates.held[0]).toMatch(
      /it becomes valid in 30 days\..* Nothing, if the clock is right/s,
    );
    expect(certificates.served).toEqual([first, second]);
  });

  test('is not needed for what is served: a clock that is years ahead changes nothing', async () => {
    const certificates = await watchFirst();

    certificates.setWallAhead(3_650 * DAY_MS);
    await certificates.lookAfter(() => utimes(at('tls.crt'), 1, 1));
    await certificates.poll();

    expect(certificates.served).toEqual([first]);
    expect(certificates.held).toEqual([]);
  });
});
