/** What setup.js decides; it is plain JavaScript, since it runs before anything is installed. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

interface Plan {
  needsOf(task: string | undefined): string[];
  installReason(state: object): string | null;
  missingPackages(lock: object, installed: object | null, platform: object): string[];
  lockLacksPlatforms(result: { status: number; output: string }): boolean;
  withoutUsage(output: string): string;
  aptCommand(packages: string[], sudo: string): string;
  lastLines(text: string, count: number): string;
}

const plan: Plan = await import(new URL('../../deploy/setup-plan.js', import.meta.url).href);

test('each script gets what it needs, and packages come first', () => {
  expect(plan.needsOf('start')).toEqual(['packages', 'pages']);
  expect(plan.needsOf('vehicle')).toEqual(['packages']);
  expect(plan.needsOf('log')).toEqual(['packages']);
  expect(plan.needsOf('test')).toEqual(['packages', 'pages', 'debian']);
  expect(plan.needsOf(undefined)).toEqual(['packages']);
  expect(plan.needsOf('constructor')).toEqual(['packages']);
});

describe('npm packages are installed', () => {
  const fine = {
    recorded: { lock: 'a', platform: 'linux-x64' },
    lock: 'a',
    platform: 'linux-x64',
    missing: [],
  };

  test('not when nothing has changed, nor when somebody has installed everything by hand', () => {
    expect(plan.installReason(fine)).toBeNull();
    expect(plan.installReason({ ...fine, recorded: null })).toBeNull();
  });

  test.each([
    [{ recorded: null, missing: ['node_modules/vite', 'node_modules/ws'] }, 'they are not here yet'],
    [{ lock: 'b' }, 'package-lock.json has changed'],
    [{ platform: 'darwin-arm64' }, 'they were installed for linux-x64'],
    [{ missing: ['node_modules/vite'] }, 'node_modules/vite is missing'],
    [{ missing: ['node_modules/vite', 'b', 'c'] }, 'node_modules/vite and 2 more are missing'],
  ])('for %j', (change, reason) => {
    expect(plan.installReason({ ...fine, ...change })).toBe(reason);
  });
});

test('missing are packages of this platform in the version of the lock file, and no others', () => {
  const lock = {
    packages: {
      '': { version: '1.0.0' },
      'node_modules/here': { version: '1.0.0' },
      'node_modules/older': { version: '2.0.0' },
      'node_modules/absent': { version: '1.0.0' },
      'node_modules/native-gnu': {
        version: '1.0.0',
        optional: true,
        os: ['linux'],
        cpu: ['x64'],
        libc: ['glibc'],
      },
      'node_modules/native-musl': {
        version: '1.0.0',
        optional: true,
        os: ['linux'],
        cpu: ['x64'],
        libc: ['musl'],
      },
      'node_modules/native-mac': { version: '1.0.0', optional: true, os: ['darwin'] },
      'node_modules/not-linux': { version: '1.0.0', optional: true, os: ['!linux'] },
      'node_modules/of-another': { version: '1.0.0', optional: true },
    },
  };
  const installed = {
    packages: { 'node_modules/here': { version: '1.0.0' }, 'node_modules/older': { version: '1.0.0' } },
  };
  const platform = { os: 'linux', cpu: 'x64', libc: 'glibc' };
  const missing = ['node_modules/older', 'node_modules/absent', 'node_modules/native-gnu'];
  expect(plan.missingPackages(lock, installed, platform)).toEqual(missing);
  expect(plan.missingPackages(lock, null, platform)).toEqual(['node_modules/here', ...missing]);
});

test('npm install stands in for npm ci only where the lock file lacks packages of platforms', () => {
  const lacks = (lines: string[], status = 1) =>
    plan.lockLacksPlatforms({
      status,
      output: lines.map((line) => `npm error Missing: ${line} from lock file\n`).join(''),
    });
  expect(lacks(['@biomejs/cli-linux-x64-musl@', '@napi-rs/canvas-win32-x64-msvc@1.1.1'])).toBe(true);
  expect(lacks(['@biomejs/cli-darwin-arm64@', 'mqtt@5.16.0'])).toBe(false);
  expect(lacks(['@biomejs/cli-darwin-arm64@'], 0)).toBe(false);
  expect(lacks([])).toBe(false);
});

test('what is shown of a failure is its end, without npm’s usage', () => {
  const output =
    'npm error code E404\nnpm error 404 not found\nnpm error Clean install a project\nnpm error Usage:';
  expect(plan.lastLines(plan.withoutUsage(output), 1)).toBe('npm error 404 not found');
});

test('Debian packages take one command', () => {
  expect(plan.aptCommand(['mosquitto', 'chromium'], 'sudo ')).toBe(
    'sudo apt-get update && sudo env SYSTEMD_OFFLINE=1 apt-get install -y --no-install-recommends mosquitto chromium',
  );
});

test('npm is told to run the install scripts of those packages that have one, and of no others', () => {
  const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));
  const scripted = Object.entries<{ hasInstallScript?: boolean }>(read('package-lock.json').packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => [path.replace('node_modules/', ''), true]);
  expect(read('package.json').allowScripts).toEqual(Object.fromEntries(scripted));
});
