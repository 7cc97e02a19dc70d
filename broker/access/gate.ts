/**
 * What the broker asks about each client: whether it may come in, and what it may say and hear. Keeps who is
 * connected by which right, and closes those whose right has ended.
 */
import type { Client } from 'aedes';
import type { Clock } from '../../shared/clock.ts';
import { sessionOfPeer } from '../../shared/roles.ts';
import type { Access, Login } from './access.ts';
import type { NamedStop } from './stop-names.ts';
import type { Grant } from './tokens.ts';

/** Rights that have run out are looked for this often, ms. */
const SWEEP_MS = 1_000;
/** Of one peer, which as a page gets another every quarter of an hour, all with one end. */
const MOST_RIGHTS = 8;
/** Peers whose access is watched though they are not connected; more are forgotten. */
const MOST_PEERS = 20_000;

export interface Gate {
  /** Resolves with why the client can't come in, a clause; null when it can. */
  admit(client: Client, login: Login): Promise<string | null>;
  /** @param client null for the will of a client that another run of the broker had, which is `clientId` */
  mayPublish(client: Client | null, topic: string, clientId: string | undefined): boolean;
  /** Whether it may retain something there, and leave it as its will. */
  mayLeave(client: Client, topic: string): boolean;
  /** What is delivered of an emergency stop: it is in its publisher's name. Null for everything else. */
  namedStop(client: Client, topic: string, payload: Uint8Array): NamedStop | null;
  maySubscribe(client: Client, filter: string): boolean;
  /** Connections of the same peer, or of pages of the same session, this one among them. */
  together(client: Client): number;
  mayReceive(client: Client, topic: string): boolean;
  /** Whether a peer has come in with a right that it has still. */
  holds(peer: string): boolean;
  /** Who a client is; null when it is not known, or anybody may come in. */
  grantOf(client: Client): Grant | null;
  close(): void;
}

/** Without access control: everybody is let in, and may say and hear all. */
export const OPEN_GATE: Gate = {
  admit: async () => null,
  mayPublish: () => true,
  mayLeave: () => true,
  namedStop: () => null,
  maySubscribe: () => true,
  together: () => 1,
  mayReceive: () => true,
  holds: () => false,
  grantOf: () => null,
  close() {},
};

export interface Ended {
  grant: Grant;
  reason: 'expired' | 'ended';
}

/** The broker's side of it. */
export interface GateListener {
  /** Whether a client is the server itself. */
  isOwn(client: Client): boolean;
  /** A client is being closed, and why. */
  onClosed(client: Client, reason: string): void;
}

/** @param onEnded a peer's access is over for good, connected or not */
export function createGate(
  access: Access,
  clock: Clock,
  onEnded: (ended: Ended) => void,
  { isOwn, onClosed }: GateListener,
): Gate {
  const grants = new WeakMap<Client, Grant>();
  /** Those that are connected. A client's will is looked at when it is no more. */
  const clients = new Set<Client>();
  /** How many of them each session or peer has. */
  const counts = new Map<string, number>();
  /** The rights that each peer has come in with and has still, the newest last. */
  const peers = new Map<string, Grant[]>();
  /** Of wills that outlive a run of the broker. */
  const wills = new Map<string, Grant>();
  const { rules } = access;

  const isLive = (grant: Grant) => access.now() < grant.until && !access.endings.has(grant);

  function sweep(): void {
    const now = access.now();
    for (const [sub, held] of peers) {
      const left = held.filter(isLive);
      // Who has another right goes on by that.
      if (left.length > 0) {
        if (left.length < held.length) peers.set(sub, left);
        continue;
      }
      peers.delete(sub);
      const grant = held.at(-1) as Grant;
      onEnded({ grant, reason: access.endings.has(grant) ? 'ended' : 'expired' });
    }
    for (const client of clients) {
      const grant = grants.get(client);
      if (!grant) continue;
      if (access.endings.has(grant)) shut(client, 'its access was ended');
      else if (now >= grant.expires) shut(client, 'its token has expired');
    }
  }

  function shut(client: Client, reason: string): void {
    // Its right to leave a will ends with its connection, not before: what it announced has to be cleared.
    if (client.closed) return;
    onClosed(client, reason);
    client.close();
  }

  access.onEnded(sweep);
  const stop = clock.every(SWEEP_MS, sweep);

  return {
    async admit(client, login) {
      const verdict = await access.admit(login);
      if (!verdict.ok) return verdict.reason;
      const { grant } = verdict;
      const taken = [...clients].some(
        (other) => other.id === login.clientId && grants.get(other)?.sub !== grant.sub,
      );
      if (taken) return `the client id '${login.clientId}' is in use`;
      // It has gone while its token was looked at: Aedes goes no further with it.
      if (client.closed) return null;
      grants.set(client, grant);
      clients.add(client);
      const session = sessionOfPeer(grant.sub);
      counts.set(session, (counts.get(session) ?? 0) + 1);
      // By its connection: some go, or are refused for something else, before Aedes counts them as clients.
      client.conn.once('close', () => {
        clients.delete(client);
        const left = (counts.get(session) ?? 1) - 1;
        if (left > 0) counts.set(session, left);
        else counts.delete(session);
      });
      wills.set(login.clientId, grant);
      if (wills.size > MOST_PEERS) wills.delete(wills.keys().next().value as string);
      // Anew at the end: those that go first were not here for longest.
      const others = (peers.get(grant.sub) ?? []).filter(({ id }) => id !== grant.id);
      peers.delete(grant.sub);
      peers.set(grant.sub, [...others, grant].slice(-MOST_RIGHTS));
      if (peers.size > MOST_PEERS) peers.delete(peers.keys().next().value as string);
      return null;
    },
    mayPublish(client, topic, clientId) {
      if (client && isOwn(client)) return true;
      const grant = client ? grants.get(client) : wills.get(clientId ?? '');
      return grant !== undefined && rules.mayPublish(grant, topic);
    },
    mayLeave(client, topic) {
      if (isOwn(client)) return true;
      const grant = grants.get(client);
      return grant !== undefined && rules.mayLeave(grant, topic);
    },
    namedStop(client, topic, payload) {
      const grant = grants.get(client);
      return grant ? access.namedStop(grant.sub, topic, payload) : null;
    },
    together(client) {
      const mine = sessionOfPeer(grants.get(client)?.sub ?? '');
      // What it comes in the place of is about to go.
      const replaced = [...clients].filter((other) => other !== client && other.id === client.id);
      return (counts.get(mine) ?? 0) - replaced.length;
    },
    maySubscribe(client, filter) {
      if (isOwn(client)) return true;
      const grant = grants.get(client);
      return grant !== undefined && rules.maySubscribe(grant, filter);
    },
    mayReceive(client, topic) {
      if (isOwn(client)) return true;
      const grant = grants.get(client);
      return grant !== undefined && rules.mayReceive(grant, topic);
    },
    holds(peer) {
      return peers.get(peer)?.some(isLive) ?? false;
    },
    grantOf: (client) => grants.get(client) ?? null,
    close: stop,
  };
}
