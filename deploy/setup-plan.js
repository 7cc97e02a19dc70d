/**
 * What setup.js decides, without doing it. Plain JavaScript that Node 18 runs.
 */

/** Debian packages that the tests use, as real counterparts and for a network, with a program that each brings. */
export const DEBIAN_PACKAGES = {
  chromium: 'chromium',
  mosquitto: 'mosquitto',
  'mosquitto-clients': 'mosquitto_sub',
  coturn: 'turnserver',
  iproute2: 'ip',
  iptables: 'iptables',
  conntrack: 'conntrack',
  openssl: 'openssl',
  python3: 'python3',
};

/** What each npm script needs. */
const NEEDS = {
  start: ['packages', 'pages'],
  serve: ['packages', 'pages'],
  vehicle: ['packages'],
  doctor: ['packages'],
  estop: ['packages'],
  key: ['packages'],
  log: ['packages'],
  invite: ['packages'],
  token: ['packages'],
  revoke: ['packages'],
  acl: ['packages'],
  build: ['packages'],
  bench: ['packages', 'pages', 'debian'],
  test: ['packages', 'pages', 'debian'],
};

/**
 * @param {string | undefined} task
 * @returns {string[]} of packages, pages and debian, in the order in which they are got
 */
export function needsOf(task) {
  return Object.hasOwn(NEEDS, task ?? '') ? NEEDS[/** @type {keyof typeof NEEDS} */ (task)] : ['packages'];
}

/**
 * Why npm packages are to be installed; null when they are there.
 * @param {{ recorded: { lock?: string, platform?: string } | null, lock: string, platform: string, missing: string[] }} state
 *   what the last install recorded, the lock file's hash and the platform now, and packages that are not there
 * @returns {string | null}
 */
export function installReason({ recorded, lock, platform, missing }) {
  if (missing.length > 0) {
    const more = missing.length > 1 ? ` and ${missing.length - 1} more are` : ' is';
    return recorded ? `${missing[0]}${more} missing` : 'they are not here yet';
  }
  // Installed by hand, and everything is there.
  if (recorded === null) return null;
  if (recorded.platform !== platform) return `they were installed for ${recorded.platform}`;
  if (recorded.lock !== lock) return 'package-lock.json has changed';
  return null;
}

/**
 * Packages of package-lock.json that this platform needs and that are not installed in that version.
 * @param {{ packages?: Record<string, any> }} lock package-lock.json
 * @param {{ packages?: Record<string, any> } | null} installed node_modules/.package-lock.json, npm's own record
 * @param {{ os: string, cpu: string, libc: string }} platform
 * @returns {string[]} paths such as node_modules/vite
 */
export function missingPackages(lock, installed, platform) {
  return Object.entries(lock.packages ?? {})
    .filter(([path, entry]) => path !== '' && !entry.link && needed(entry, platform))
    .filter(([path, entry]) => installed?.packages?.[path]?.version !== entry.version)
    .map(([path]) => path);
}

/**
 * Whether a platform can't do without a package. Of the optional ones those count that are made for
 * it, as Vite's native parts are; the others may belong to a package for another platform.
 */
function needed(entry, platform) {
  const kinds = ['os', 'cpu', 'libc'].filter((kind) => entry[kind]);
  return kinds.length > 0 ? kinds.every((kind) => fits(entry[kind], kind, platform)) : !entry.optional;
}

/** Whether one of a package's os, cpu and libc lists allows a platform; `!` excludes. */
function fits(list, kind, platform) {
  if (kind === 'libc' && platform.os !== 'linux') return true;
  if (list.includes(`!${platform[kind]}`)) return false;
  return list.every((item) => item.startsWith('!')) || list.includes(platform[kind]);
}

/**
 * Whether npm ci failed only because the lock file has no entries for packages of other platforms.
 * That happens when it was made with a registry that doesn't carry them: npm 10 takes such a file,
 * npm 11 refuses it, and npm install fetches what this platform needs in the versions of the file.
 * @param {{ status: number | null, output: string }} result
 */
export function lockLacksPlatforms({ status, output }) {
  const missing = output.match(/Missing: \S+ from lock file/g) ?? [];
  const platforms = /-(android|darwin|freebsd|linux|openharmony|wasm32|win32)\b/;
  return status !== 0 && missing.length > 0 && missing.every((line) => platforms.test(line));
}

/** npm's output without the usage that it appends to an error. */
export function withoutUsage(output) {
  return output.split(/^npm error Clean install a project/m, 1)[0] ?? '';
}

/**
 * The one command that installs Debian packages. It starts none of their services: what the tests need
 * they start themselves (systemctl, which the packages' scripts call, does nothing with SYSTEMD_OFFLINE).
 * @param {string[]} packages
 * @param {string} sudo what goes before a command: 'sudo ' or nothing
 */
export function aptCommand(packages, sudo) {
  const install = `${sudo}env SYSTEMD_OFFLINE=1 apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  return `${sudo}apt-get update && ${install}`;
}

/** The last lines of a program's output, without empty ones. */
export function lastLines(text, count) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('\n');
}
