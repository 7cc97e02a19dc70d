/**
 * The certificate in use: read from its files, put into servers, and read again when the files change.
 * Connections that exist go on with the one that they began with.
 */
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { SecureContextOptions, Server } from 'node:tls';
import type { Log } from '../../shared/log.ts';
import {
  type CertificateFacts,
  type Credentials,
  checkCredentials,
  dateOf,
  validityProblem,
} from './certificate.ts';

/** A renewal writes several files, and is read when nothing has changed for this long, ms. */
const SETTLE_MS = 300;
/** Files on network drives change without a word, and days pass: looked at again after this, ms. */
const LOOK_MS = 60_000;
const DAY_MS = 24 * 3_600_000;
/**
 * What this server speaks: TLS 1.3, and of TLS 1.2 what has forward secrecy and authenticated encryption
 * (RFC 9325, 4.2; Mozilla's "intermediate").
 */
const PROTOCOL = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
} satisfies SecureContextOptions;

/** Paths of PEM files. */
export interface TlsFiles {
  cert: string;
  key: string;
  /** Authorities whose certificates vehicles may present over MQTT. */
  clientCa?: string | undefined;
}

export interface KeptTls {
  /** Of the certificate that new connections get. */
  facts(): CertificateFacts;
  /** Whether clients can be known by certificates. */
  knowsClients: boolean;
  /** Puts the certificate into a server, now and whenever there is another one. */
  equip(server: Server): void;
  close(): void;
}

/** @throws Error of one sentence when the files can't be served */
export function keepTls(files: TlsFiles, log: Log): KeptTls {
  let credentials = read(files);
  let facts = checkCredentials(credentials, named(files));
  let problem: string | null = null;
  let warnedAt = Number.NEGATIVE_INFINITY;
  const servers: Server[] = [];
  say('TLS certificate');

  const context = (): SecureContextOptions => ({
    ...PROTOCOL,
    cert: credentials.cert,
    key: credentials.key,
    ...(credentials.clientCa === undefined ? {} : { ca: credentials.clientCa }),
  });

  function say(message: string): void {
    const { names, until, fingerprint } = facts;
    log.info({ names, until: dateOf(until), fingerprint }, message);
    warnedAt = Number.NEGATIVE_INFINITY;
    warn();
  }

  /** Once a day is enough. */
  function warn(): void {
    const now = Date.now();
    const text = validityProblem(facts, now);
    if (text === null || now - warnedAt < DAY_MS) return;
    warnedAt = now;
    log.warn({ names: facts.names }, text);
  }

  function look(): void {
    try {
      const found = read(files);
      const same = (Object.keys(found) as (keyof Credentials)[]).every(
        (key) => found[key] === credentials[key],
      );
      problem = same ? null : problem;
      if (same) return warn();
      const next = checkCredentials(found, named(files));
      [credentials, facts, problem] = [found, next, null];
      for (const server of servers) server.setSecureContext(context());
      say('TLS certificate has changed, and is in use');
    } catch (error) {
      const { message } = error as Error;
      if (message !== problem) log.warn({}, `${message} The certificate of before stays in use.`);
      problem = message;
    }
  }

  let settling: NodeJS.Timeout | undefined;
  const changed = () => {
    clearTimeout(settling);
    settling = setTimeout(look, SETTLE_MS);
  };
  const watchers = [...foldersOf(files)].flatMap((folder) => watchFolder(folder, changed) ?? []);
  const timer = setInterval(look, LOOK_MS);
  timer.unref();

  return {
    facts: () => facts,
    knowsClients: files.clientCa !== undefined,
    equip(server) {
      servers.push(server);
      server.setSecureContext(context());
    },
    close() {
      clearTimeout(settling);
      clearInterval(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

const named = (files: TlsFiles) => ({ ...files, clientCa: files.clientCa ?? '' });

function read(files: TlsFiles): Credentials {
  return {
    cert: readPem(files.cert, 'certificate'),
    key: readPem(files.key, 'key'),
    clientCa: files.clientCa === undefined ? undefined : readPem(files.clientCa, 'authority'),
  };
}

/** @throws Error of one sentence that names the file */
export function readPem(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = { ENOENT: 'there is no such file', EACCES: 'no permission', EISDIR: 'it is a folder' }[
      code ?? ''
    ];
    throw new Error(`The ${what} '${path}' can't be read: ${why ?? code}.`);
  }
}

/** Folders, since renewals put new files and links in the place of the old ones. */
function foldersOf(files: TlsFiles): Set<string> {
  return new Set([files.cert, files.key, ...(files.clientCa ? [files.clientCa] : [])].map(dirname));
}

/** Null where it can't be watched: it is looked at from time to time all the same. */
function watchFolder(folder: string, changed: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
