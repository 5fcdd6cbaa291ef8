import { expect, test } from 'vitest';
import {
  type CertificateSurroundings,
  certificateNotices,
  type FixedMount,
  type KeyFile,
} from '../../src/core/certificate-notices.ts';

const key: KeyFile = {
  folder: '/certs',
  name: 'tls.key',
  readers: 'owner',
  isOfRoot: false,
  isOfOwnGroup: false,
  isDelivered: false,
};
const onDisk = { path: '/run/baton', isInMemory: false };

const mounted = (name: string, folder = '/certs'): FixedMount => ({
  folder,
  name,
  isOutdated: false,
});
const noticesOn = (facts: Partial<CertificateSurroundings>) =>
  certificateNotices({ fixedMounts: [], keyFiles: [], ...facts });
const messagesOn = (facts: Partial<CertificateSurroundings>) =>
  noticesOn(facts).map(({ message }) => message);

test('there is nothing to say about whole volumes, private keys and a run directory in memory', () => {
  const runDirectory = { ...onDisk, isInMemory: true };
  expect(noticesOn({ keyFiles: [key], runDirectory })).toEqual([]);
  expect(noticesOn({})).toEqual([]);
});

test('a folder that the bootstrap names itself is nothing that anyone protects', () => {
  expect(noticesOn({ namedFolders: ['/certs'] })).toEqual([
    {
      about: '/certs',
      message: expect.stringMatching(/^The bootstrap names files in it .*\$\{CERT_DIR\}/),
    },
  ]);
});

test('files that are mounted one by one are named together, folder by folder', () => {
  const fixedMounts = [mounted('tls.crt'), mounted('ca.crt', '/other'), mounted('tls.key')];
  expect(noticesOn({ fixedMounts })).toEqual([
    {
      about: '/certs',
      message: expect.stringMatching(
        /^Mounted one by one: tls\.crt, tls\.key\. .*subPath.*: mount/,
      ),
    },
    { about: '/other', message: expect.stringContaining(': ca.crt.') },
  ]);
});

test('a file that was replaced behind its mount is told apart from the others', () => {
  const fixedMounts = [mounted('tls.crt'), { ...mounted('tls.key'), isOutdated: true }];
  expect(messagesOn({ fixedMounts })).toEqual([
    expect.stringContaining('Mounted one by one: tls.crt.'),
    expect.stringMatching(/^Replaced or removed outside: tls\.key\. .*start the container anew/),
  ]);
});

test.each([
  [false, /subPath.* never updated\. Mount the whole volume\.$/],
  [true, /^Was replaced or removed outside/],
])(
  'a folder that shows one state alone (outdated: %s) is told of by itself',
  (isOutdated, message) => {
    expect(noticesOn({ fixedMounts: [{ folder: '/certs', isOutdated }] })).toEqual([
      { about: '/certs', message: expect.stringMatching(message) },
    ]);
  },
);

test.each<[string, Partial<KeyFile>, RegExp | undefined]>([
  ['everyone', { readers: 'everyone' }, /^Every user may read the private keys in tls\.key\./],
  ['everyone, as its own group', { readers: 'everyone', isOfOwnGroup: true }, /^Every user/],
  ['everyone, as root leaves it', { readers: 'everyone', isOfRoot: true }, /^Every user/],
  [
    'everyone, in a volume for the container',
    { readers: 'everyone', isDelivered: true },
    undefined,
  ],
  [
    'a strange group',
    { readers: 'group' },
    /^A group that the agent is not in may read .*tls\.key/,
  ],
  ['the own group', { readers: 'group', isOfOwnGroup: true }, undefined],
  ['a group that root let in', { readers: 'group', isOfRoot: true }, undefined],
  ['a group, in a volume for the container', { readers: 'group', isDelivered: true }, undefined],
  ['its owner alone', { readers: 'owner' }, undefined],
])('a key that can be read by %s', (_, facts, message) => {
  const expected = message === undefined ? [] : [expect.stringMatching(message)];
  expect(messagesOn({ keyFiles: [{ ...key, ...facts }] })).toEqual(expected);
});

test('a run directory on a disk is told of where there are keys to be copied, and there alone', () => {
  expect(noticesOn({ runDirectory: onDisk })).toEqual([]);
  expect(noticesOn({ keyFiles: [key] })).toEqual([]);
  expect(noticesOn({ keyFiles: [key], runDirectory: onDisk })).toEqual([
    { about: '/run/baton', message: expect.stringContaining('emptyDir with medium: Memory') },
  ]);
});

test('a notice stays one short line, whatever the names and however many there are', () => {
  const names = ['a\nb', ...Array.from({ length: 255 }, (_, index) => `key-${index}`)];
  const keyFiles = names.map((name) => ({ ...key, name, readers: 'everyone' as const }));
  const [message = '', ...others] = messagesOn({ keyFiles });
  expect(others).toEqual([]);
  expect(message).toContain('in a?b, key-0, key-1, key-2, key-3 and 251 more.');
  expect(message.split('\n')).toHaveLength(1);
});
