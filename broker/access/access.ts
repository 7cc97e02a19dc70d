/**
 * Access control of one server: who a client or a caller is, by its token or certificate, and whether that
 * still holds. Rules of topics are in rules.ts, what Aedes asks in gate.ts, what pages ask in routes.ts.
 */
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { idProblemFor } from '../../shared/roles.ts';
import { isId } from '../../shared/topics.ts';
import type { VehicleCertificate } from '../tls/client-certificate.ts';
import { type Endings, watchEndings } from './endings.ts';
import { createHolders, type Holders } from './holders.ts';
import { createIssuer, type Issuer } from './issue.ts';
import { createPasses, type Passes } from './passes.ts';
import { createRules, type Rules } from './rules.ts';
import { accessFolder, openSecret } from './secret.ts';
import { createStopNames } from './stop-names.ts';
import { type Audience, createTokens, type Grant, type Tokens, type Verdict } from './tokens.ts';

export interface AccessOptions {
  /** Folder for what the server keeps; access has a folder of its own in it. */
  data: string;
  /** Instead of one that the server makes. */
  secret?: Uint8Array | undefined;
  /** The topic root. */
  root: string;
  /** How long a page's token is good, seconds; it asks for the next one well before. */
  pageTokenS?: number | undefined;
}

const PAGE_TOKEN_S = 15 * 60;

export interface Login {
  clientId: string;
  /** MQTT's password: a token. */
  password: string | null;
  certificate: VehicleCertificate | null;
}

export interface Access {
  rules: Rules;
  /** In whose name an emergency stop is. */
  namedStop: ReturnType<typeof createStopNames>;
  tokens: Tokens;
  issuer: Issuer;
  endings: Endings;
  holders: Holders;
  /** For operators, towards vehicles that trust no broker. */
  passes: Passes;
  pageTokenS: number;
  /** Seconds since the epoch. */
  now(): number;
  /** A token of that audience that has neither expired nor been ended. Never rejects. */
  verify(text: string, audience: Audience): Promise<Verdict>;
  /** Who an MQTT client is. Never rejects. */
  admit(login: Login): Promise<Verdict>;
  /** @param listener is told when more access has ended */
  onEnded(listener: () => void): void;
  close(): void;
}

/** @throws Error of one sentence when the secret, or the fleet's key, can't be had */
export function createAccess(
  { data, secret, root, pageTokenS = PAGE_TOKEN_S }: AccessOptions,
  clock: Clock,
  log: Log,
): Access {
  const folder = accessFolder(data);
  const now = () => Math.floor(clock.now() / 1_000);
  const tokens = createTokens(secret ?? openSecret(folder), root, now);
  const passes = createPasses(join(folder, 'fleet.key'));
  const listeners: (() => void)[] = [];
  const endings = watchEndings(folder, clock, log, () => {
    for (const listener of listeners) listener();
  });

  async function verify(text: string, audience: Audience): Promise<Verdict> {
    const verdict = await tokens.verify(text, audience);
    if (verdict.ok && endings.has(verdict.grant)) return { ok: false, reason: 'the access was ended' };
    return verdict;
  }

  return {
    rules: createRules(root),
    namedStop: createStopNames(root, clock.now),
    tokens,
    issuer: createIssuer(tokens, folder, now),
    endings,
    holders: createHolders(folder, endings, now, log),
    passes,
    pageTokenS,
    now,
    verify,
    async admit({ clientId, password, certificate }) {
      const verdict = certificate === null ? await byToken(password) : byCertificate(certificate);
      if (!verdict.ok) return verdict;
      const { sub } = verdict.grant;
      // Whoever has a peer's client id would throw that peer out. Ids that no peer can have take nobody's place.
      if (isId(clientId) && clientId !== sub)
        return { ok: false, reason: `its client id is '${clientId}', and its token is for '${sub}'` };
      return verdict;
    },
    onEnded: (listener) => void listeners.push(listener),
    close: endings.close,
  };

  async function byToken(password: string | null): Promise<Verdict> {
    if (!password) return { ok: false, reason: 'it gave no token as its password' };
    return verify(password, 'mqtt');
  }

  function byCertificate({ name, since, until }: VehicleCertificate): Verdict {
    const problem = idProblemFor('vehicle', name);
    if (problem)
      return { ok: false, reason: `its certificate names '${name}', which no vehicle can be called` };
    const grant: Grant = {
      id: `certificate-${name}`,
      sub: name,
      role: 'vehicle',
      rooms: [name],
      from: [],
      // So that one that was made before its vehicle's access was ended lets it in no more.
      issued: since,
      expires: until,
      until,
    };
    if (endings.has(grant)) return { ok: false, reason: 'the access was ended' };
    return { ok: true, grant };
  }
}
