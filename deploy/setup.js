/**
 * Gets what an npm script needs, before it runs: npm packages, built pages, Debian packages.
 *
 *     node deploy/setup.js start
 *
 * Plain JavaScript without packages, since it runs on whatever Node the machine has, before
 * anything is installed. Says what it does while it does it, and nothing when there is nothing to do.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  aptCommand,
  DEBIAN_PACKAGES,
  installReason,
  lastLines,
  lockLacksPlatforms,
  missingPackages,
  needsOf,
  withoutUsage,
} from './setup-plan.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
/** Inside node_modules and dist, so that deleting them forgets it. */
const INSTALL_RECORD = join(MODULES, '.plntry-setup.json');
const BUILD_RECORD = join(ROOT, 'web', 'dist', '.plntry-build');
/** The Node that the project runs on, whatever runs this file. */
const NODE = join(MODULES, '.bin', 'node');
const PROGRESS_MS = 10_000;
const SHOWN_LINES = 15;

class SetupError extends Error {}

const say = (text) => process.stdout.write(`setup: ${text}\n`);
const path = (...parts) => join(ROOT, ...parts);
const readJson = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null);

/** Runs a program, quietly unless it takes long; resolves with its status and output. */
function run(command, args, options, doing) {
  return new Promise((resolve) => {
    const startedAt = Date.now();
    const seconds = () => Math.round((Date.now() - startedAt) / 1000);
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    const timer = setInterval(() => say(`… still ${doing}, ${seconds()} s`), PROGRESS_MS);
    const end = (status) => {
      clearInterval(timer);
      resolve({ status, output, seconds: seconds() });
    };
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', (error) => {
      output += error.message;
      end(1);
    });
    child.on('close', end);
  });
}

/** A hash over files' names and contents. @param {string[]} files */
function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(path(file)))
      .update('\0');
  return hash.digest('hex');
}

function platform() {
  const report = process.platform === 'linux' ? process.report.getReport().header : {};
  const libc = report.glibcVersionRuntime ? 'glibc' : 'musl';
  return { os: process.platform, cpu: process.arch, libc };
}

async function packages() {
  const here = platform();
  const state = () => ({
    recorded: readJson(INSTALL_RECORD),
    lock: hashOf(['package-lock.json']),
    platform: `${here.os}-${here.cpu}`,
    missing: absentPackages(here),
  });
  const before = state();
  const reason = installReason(before);
  if (reason !== null) await npmInstall(reason, here);
  if (reason !== null || before.recorded === null) {
    const { lock, platform } = before;
    writeFileSync(INSTALL_RECORD, JSON.stringify({ lock, platform }));
  }
}

/** Also looks at the program that everything else runs on, which an install script has to fetch. */
function absentPackages(here) {
  const missing = missingPackages(
    readJson(path('package-lock.json')),
    readJson(join(MODULES, '.package-lock.json')),
    here,
  ).filter((name) => name !== '');
  const absent = ['node_modules/vite', 'node_modules/mqtt'].filter((name) => !existsSync(path(name)));
  return existsSync(NODE) ? [...missing, ...absent] : ['node_modules/node', ...missing];
}

async function npmInstall(reason, here) {
  say(`installing npm packages, since ${reason} (a minute or so)`);
  rmSync(INSTALL_RECORD, { force: true });
  // npm's own program and Node, since this may be running on the one in node_modules that npm deletes.
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  const [command, ...args] = npm?.endsWith('.js') ? [node ?? process.execPath, npm] : ['npm'];
  const environment = {
    ...process.env,
    // node-av comes with a binary of its own; without this it would download FFmpeg too.
    SKIP_FFMPEG: 'true',
    // Not the one in node_modules: it is about to go.
    PATH: (process.env.PATH ?? '')
      .split(delimiter)
      .filter((folder) => !folder.includes(`node_modules${sep}.bin`))
      .join(delimiter),
  };
  // With NODE_ENV=production too: the pages are built here.
  const flags = ['--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const npmRun = (what) => run(command, [...args, ...what, ...flags], { env: environment }, 'installing');
  let result = await npmRun(['ci']);
  if (lockLacksPlatforms(result)) {
    say('installing with npm install, as npm ci wants packages of other platforms in the lock file');
    result = await npmRun(['install', '--no-save']);
  }
  const { status, output, seconds } = result;
  const missing = status === 0 ? absentPackages(here) : [];
  if (status !== 0 || missing.length > 0) {
    const why =
      missing.length > 0 ? `npm left out ${missing.join(', ')}` : `npm failed with status ${status}`;
    throw new SetupError(`${why}; its last lines were:\n${lastLines(withoutUsage(output), SHOWN_LINES)}`);
  }
  say(`installed npm packages in ${seconds} s`);
}

async function pages() {
  const sources = ['package-lock.json', ...filesOf('web'), ...filesOf('shared')];
  const hash = hashOf(sources);
  if (existsSync(BUILD_RECORD) && readFileSync(BUILD_RECORD, 'utf8') === hash) return;
  say('building the pages');
  const vite = join(MODULES, 'vite', 'bin', 'vite.js');
  const { status, output, seconds } = await run(NODE, [vite, 'build', 'web'], {}, 'building');
  if (status !== 0) {
    throw new SetupError(
      `the pages could not be built; Vite's last lines were:\n${lastLines(output, SHOWN_LINES)}`,
    );
  }
  writeFileSync(BUILD_RECORD, hash);
  say(`built the pages in ${seconds} s`);
}

/** Files below a folder, in a fixed order, without what is built or installed. */
function filesOf(folder) {
  return readdirSync(path(folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = `${folder}/${entry.name}`;
      if (entry.isFile()) return [name];
      return entry.isDirectory() && !['dist', 'node_modules'].includes(entry.name) ? filesOf(name) : [];
    });
}

async function debian() {
  // Daemons live in sbin, which is not on everybody's path.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const has = (program) => folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
  const missing = Object.keys(DEBIAN_PACKAGES).filter((name) => !has(DEBIAN_PACKAGES[name]));
  if (missing.length === 0) return;
  const list = missing.join(', ');
  if (!has('apt-get'))
    throw new SetupError(`the tests need ${list}; install them with your system's packages.`);

  const isRoot = process.getuid?.() === 0;
  const maySudo = !isRoot && has('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0;
  const command = aptCommand(missing, isRoot ? '' : 'sudo ');
  if (!isRoot && !maySudo)
    throw new SetupError(`the tests need ${list}; run this, then try again:\n  ${command}`);

  say(`installing Debian packages: ${list}`);
  const quiet = isRoot ? command : command.replaceAll('sudo ', 'sudo -n DEBIAN_FRONTEND=noninteractive ');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, output, seconds } = await run('sh', ['-c', quiet], { env }, 'installing');
  if (status !== 0) {
    throw new SetupError(
      `apt-get failed:\n${lastLines(output, SHOWN_LINES)}\nThe command was:\n  ${command}`,
    );
  }
  say(`installed Debian packages in ${seconds} s`);
}

const steps = { packages, pages, debian };
try {
  for (const need of needsOf(process.argv[2])) await steps[need]();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`setup: ${error.message}\n`);
  process.exitCode = 1;
}
