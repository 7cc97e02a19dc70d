/**
 * A relayed address of a TURN server (RFC 8656).
 *
 * Own code, as libjuice knows TURN over UDP only, takes two servers at most, and tells nobody why one refused.
 */
import type { Target } from './ice-targets.ts';
import { type Address, ATTRIBUTE, addressOf, METHOD, numberOf, numberValue } from './stun.ts';
import { StunError } from './stun-requests.ts';
import { type Carrier, openCarrier } from './turn-carrier.ts';
import { createTurnPeers, isChannelData, sameFamily } from './turn-peers.ts';
import { createTurnRequests, type TurnRequests } from './turn-requests.ts';

/** Asked for; servers may give another, s. RFC 8656, section 3.2. */
const LIFETIME_S = 600;
/** Least time between two attempts to refresh an allocation, ms. */
const LEAST_REFRESH_MS = 5_000;
/** Time for giving the allocation back, ms; after that it runs out by itself. */
const RELEASE_MS = 1_000;
/** Servers that send on to another one, one after the other. */
const MOST_REDIRECTS = 2;
/** Number of the protocol, in the first of four bytes. */
const UDP = 17 * 2 ** 24;

export interface Allocation {
  target: Target;
  /** Where others reach this end. */
  relayed: Address;
  /** How the server sees this end. */
  mapped: Address;
  /** Of the first request, ms. */
  rttMs: number;
  /** Sends to a peer: at once, and with the same flight the permission for it. */
  send(data: Buffer, peer: Address): void;
  /** Lets packets from an IP address of its family come through; sending there does so, too. */
  permit(host: string): void;
  /** Gives it back. */
  close(): Promise<void>;
}

export interface AllocationEvents {
  data(data: Buffer, peer: Address): void;
  /** It is gone: the server forgot it, or the connection to it has ended. Not after `close`. */
  lost(error: Error): void;
}

/**
 * @param addresses of the target's host, the best first
 * @param signal gives up
 * @throws RefusedError, SilentError, or what Node says of the connection
 */
export async function allocate(
  target: Target,
  addresses: string[],
  events: AllocationEvents,
  signal: AbortSignal,
): Promise<Allocation> {
  let to = { target, addresses };
  for (let redirects = 0; ; redirects++) {
    try {
      return await allocateAt(to.target, to.addresses, events, signal);
    } catch (error) {
      const other = error instanceof StunError && addressOf(error.response, ATTRIBUTE.ALTERNATE_SERVER);
      if (!other || redirects >= MOST_REDIRECTS) throw error;
      // Its certificate is still asked for by the name that was configured (RFC 8489, section 10).
      to = { target: { ...target, port: other[1] }, addresses: [other[0]] };
    }
  }
}

async function allocateAt(
  target: Target,
  addresses: string[],
  events: AllocationEvents,
  signal: AbortSignal,
): Promise<Allocation> {
  let open = false;
  let carrier: Carrier | null = null;
  let lease: { stop(): void } | null = null;
  const requests = createTurnRequests(target, (packet) => carrier?.send(packet));
  const peers = createTurnPeers({
    ask: requests.ask,
    transmit: (packet) => carrier?.send(packet),
    data: events.data,
    lost: lose,
  });

  function receive(packet: Buffer): void {
    if (isChannelData(packet)) return peers.takeChannelData(packet);
    const message = requests.take(packet);
    if (message?.kind === 'indication') peers.takeIndication(message);
  }

  function end(): boolean {
    const was = open;
    open = false;
    lease?.stop();
    return was;
  }

  function lose(error: Error): void {
    if (!end()) return;
    carrier?.close();
    events.lost(error);
  }

  const ways = {
    packet: receive,
    doubt: requests.doubt,
    end(error: Error) {
      requests.fail(error);
      lose(error);
    },
  };
  carrier = await openCarrier(target, addresses, ways, signal);
  const given = await request(requests, signal).catch((error) => {
    carrier?.close();
    throw error;
  });
  open = true;
  lease = keep(requests, given.lifetime, lose);
  const { relayed, mapped, rttMs } = given;
  return {
    target,
    relayed,
    mapped,
    rttMs,
    send(data, peer) {
      if (open && !carrier?.congested()) peers.send(data, peer);
    },
    permit(host) {
      if (open && sameFamily(host, relayed[0])) peers.permit(host);
    },
    async close() {
      if (!end()) return;
      const limit = setTimeout(() => requests.fail(), RELEASE_MS);
      await refresh(requests, 0).catch(() => {});
      clearTimeout(limit);
      carrier?.close();
    },
  };
}

async function request(requests: TurnRequests, signal: AbortSignal) {
  const abort = () => requests.fail();
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    const first = performance.now();
    let rttMs: number | null = null;
    const wanted: [number, Buffer][] = [
      [ATTRIBUTE.REQUESTED_TRANSPORT, numberValue(UDP)],
      [ATTRIBUTE.LIFETIME, numberValue(LIFETIME_S)],
    ];
    const answered = () => {
      rttMs ??= performance.now() - first;
    };
    const { message } = await requests.ask(METHOD.ALLOCATE, () => wanted, answered);
    const relayed = addressOf(message, ATTRIBUTE.XOR_RELAYED_ADDRESS);
    const mapped = addressOf(message, ATTRIBUTE.XOR_MAPPED_ADDRESS) ?? relayed;
    if (!relayed || !mapped) throw new Error('it gave no relayed address');
    const lifetime = numberOf(message, ATTRIBUTE.LIFETIME) ?? LIFETIME_S;
    return { relayed, mapped, rttMs: rttMs ?? 0, lifetime };
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function refresh({ ask }: TurnRequests, lifetime: number): Promise<number> {
  const { message } = await ask(METHOD.REFRESH, () => [[ATTRIBUTE.LIFETIME, numberValue(lifetime)]]);
  return numberOf(message, ATTRIBUTE.LIFETIME) ?? lifetime;
}

/** Refreshes at half of its life, and again at half of what is left. @param lifetime s */
function keep(requests: TurnRequests, lifetime: number, lost: (error: Error) => void): { stop(): void } {
  let endsAt = performance.now() + lifetime * 1000;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const later = () => {
    const left = endsAt - performance.now();
    if (left < LEAST_REFRESH_MS) return lost(new Error('it could not be refreshed'));
    timer = setTimeout(again, Math.max(LEAST_REFRESH_MS, left / 2)).unref();
  };
  const again = async () => {
    try {
      endsAt = performance.now() + 1000 * (await refresh(requests, LIFETIME_S));
    } catch (error) {
      if (error instanceof StunError) return lost(error);
    }
    if (!stopped) later();
  };
  later();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
