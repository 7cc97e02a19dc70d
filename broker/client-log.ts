/** What the log says of MQTT clients, and whom it takes them for. */
import type { Client } from 'aedes';
import type { Log } from '../shared/log.ts';
import type { Gate } from './access/gate.ts';
import type { Connection } from './broker.ts';
import { addressKey } from './limits/addresses.ts';
import type { Backlog } from './limits/backlog.ts';
import type { Guard } from './limits/guard.ts';
import type { Refusal } from './limits/limits.ts';

export interface Served {
  connection: Connection;
  backlog: Backlog;
}

export interface ClientLog {
  connected(client: Client): void;
  disconnected(client: Client): void;
  /** The server closes it. */
  closed(client: Client, reason: string): void;
  /** It went over a limit. */
  over(client: Client, refusal: Refusal, message?: string): void;
  /** Once for each client and message, however often. */
  once(client: Client, message: string): void;
  /** The same, once for each reason, whatever that names and counts. */
  why(client: Client, reason: string, message: string): void;
  /** It comes and goes: from now on that is said in sum only. */
  hush(client: Client): void;
}

/** @param gate is asked when something is said, not before */
export function createClientLog(
  guard: Guard,
  log: Log,
  servedOf: (client: Client) => Served | undefined,
  gate: () => Gate,
): ClientLog {
  const hushed = new WeakSet<Client>();
  const grantOf = (client: Client) => gate().grantOf(client);

  function describe(client: Client) {
    const served = servedOf(client);
    const { transport, remote, certificate } = served?.connection ?? {};
    const dropped = served?.backlog.dropped();
    const peer = grantOf(client)?.sub;
    const more = {
      ...(peer === undefined || peer === client.id ? {} : { peer }),
      ...(certificate ? { certificate: certificate.name } : {}),
      ...(dropped ? { dropped } : {}),
    };
    return { client: client.id ?? undefined, transport, remote, ...more };
  }

  /** What `plntry revoke` knows it by: its invitation, its person, or its token. */
  function accessOf(client: Client) {
    const grant = grantOf(client);
    return grant ? { access: grant.from[0] ?? grant.id } : {};
  }

  /**
   * Whom a line in the log is about: the peer that its token names, or where it comes from while it has not been
   * let in. Not its client id, of which it can have as many as it likes.
   */
  const whoIs = (client: Client) =>
    grantOf(client)?.sub ??
    (client.connected ? client.id : addressKey(servedOf(client)?.connection.address)) ??
    'unknown';
  const isKnown = (client: Client) => client.connected || grantOf(client) !== null;
  const say = (key: string, client: Client, message: string, fields = {}) =>
    guard.sayOnce(
      `${message} ${whoIs(client)} ${key}`,
      { ...describe(client), ...fields },
      message,
      isKnown(client),
    );

  return {
    connected(client) {
      if (!hushed.has(client))
        log.info({ ...describe(client), ...accessOf(client) }, 'MQTT client connected');
    },
    disconnected(client) {
      if (!hushed.has(client)) log.info(describe(client), 'MQTT client disconnected');
    },
    closed: (client, reason) => log.warn({ ...describe(client), reason }, 'MQTT client closed'),
    over: (client, refusal, message) =>
      guard.over(refusal, whoIs(client), describe(client), message, isKnown(client)),
    once: (client, message) => say('', client, message),
    why: (client, reason, message) => say(reason.replace(/'.*'|\d+/gs, ''), client, message, { reason }),
    hush(client) {
      hushed.add(client);
      say('', client, 'MQTT client comes and goes', accessOf(client));
    },
  };
}
