/** A real browser for the page's tests. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * Starts the Chromium that CHROMIUM_BINARY names, else the one that is installed; without a
 * sandbox of its own, for tests run as root.
 *
 * @throws Error when there is none: a page that no browser has seen is not tested.
 */
export async function startChromium(): Promise<Browser> {
  const executablePath = [process.env['CHROMIUM_BINARY'] ?? '', ...PLACES].find(existsSync);
  if (executablePath === undefined) {
    throw new Error(`Cannot find Chromium at ${PLACES.join(', ')}: get it with
  apt-get install chromium
or name it in CHROMIUM_BINARY.`);
  }
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-breakpad'],
  });
}
