/**
 * What STUN servers answer. libjuice asks one of them how it sees this end, and tells nobody what came of it;
 * so all are asked from a socket of their own for the report, and libjuice is given one that has answered.
 */
import { isIP } from 'node:net';
import type { IceServer } from '../../shared/server-api.ts';
import { type Target, targetsOf } from './ice-targets.ts';
import { openProbeSocket, type ProbeSocket } from './probe-socket.ts';
import { resolve } from './resolve.ts';
import { SilentError } from './server-errors.ts';
import type { Address } from './stun.ts';

/** A first session waits for the first answer as long, ms. */
const FIRST_ANSWER_MS = 500;
/** Longest time for asking ahead, ms. */
const AHEAD_LIMIT_MS = 5_000;

export type StunServers = ReturnType<typeof createStunServers>;

export function createStunServers(iceServers: () => IceServer[]) {
  /** By URL, of those that answered last time. */
  const answering = new Map<string, Address>();
  const closing = new AbortController();

  /** @throws UnknownHostError, RefusedError, SilentError */
  async function ask(target: Target, signal: AbortSignal): Promise<void> {
    const sockets = new Map<number, Promise<ProbeSocket | null>>();
    const socketOf = (family: number) => {
      const open = sockets.get(family) ?? openProbeSocket(family === 6 ? 6 : 4).catch(() => null);
      sockets.set(family, open);
      return open;
    };
    try {
      const addresses = await resolve(target.host);
      const asking = addresses.map(async (host): Promise<Address> => {
        const socket = await socketOf(isIP(host));
        if (!socket) throw new SilentError('this machine has no address of its family');
        await socket.ask([host, target.port], signal);
        return [host, target.port];
      });
      const first = await Promise.any(asking).catch((error) => {
        throw (error as AggregateError).errors[0];
      });
      answering.set(target.url, first);
    } catch (error) {
      answering.delete(target.url);
      throw error;
    } finally {
      for (const open of sockets.values()) void open.then((socket) => socket?.close());
    }
  }

  const usable = () =>
    targetsOf(iceServers()).filter(({ skip, transport }) => skip === null && transport === 'udp');

  /** So that the first session has one that answers, and none waits for the name server. */
  const limit = AbortSignal.any([closing.signal, AbortSignal.timeout(AHEAD_LIMIT_MS)]);
  const ahead = Promise.any(usable().map((target) => ask(target, limit))).catch(() => {});

  return {
    ask,
    /** The one to be asked by libjuice: of those that answered, else the first that has an address. */
    async choose(): Promise<Address | null> {
      const targets = usable();
      if (targets.length === 0) return null;
      if (answering.size === 0) await Promise.race([ahead, after(FIRST_ANSWER_MS)]);
      for (const { url } of targets) {
        const known = answering.get(url);
        if (known) return known;
      }
      const first = targets.find(({ host }) => isIP(host));
      return first ? [first.host, first.port] : null;
    },
    close: () => closing.abort(new Error('the factory is closed')),
  };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
