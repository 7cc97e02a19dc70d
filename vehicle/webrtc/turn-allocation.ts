/**
 * A relayed address of a TURN server (RFC 8656).
 *
 * Own code on werift's STUN messages: werift's own client takes a refused login for silence (an error of
 * authentication has no integrity to check), lets permissions run out (they last 300 s, it renews channels
 * every 500 s), binds one channel after the other with a round trip each, connects its stream again by
 * itself with a rejection that nobody handles, and never gives an allocation back.
 */
import * as werift from 'werift';
import type { Target } from './ice-targets.ts';
import { createRequests, StunError } from './stun-requests.ts';
import { type Carrier, openCarrier } from './turn-carrier.ts';

/** Asked for; servers may give another, s. RFC 8656, section 3.2. */
const LIFETIME_S = 600;
/** A channel is bound again when it is used after this long; its permission lasts 300 s. RFC 8656, section 9. */
const REBIND_MS = 240_000;
/** Least time between two attempts to refresh an allocation, ms. */
const LEAST_REFRESH_MS = 5_000;
/** Time for giving the allocation back, ms; after that it runs out by itself. */
const RELEASE_MS = 1_000;
/** Attempts with one request: a first without login, one with a nonce that was too old already. */
const MOST_TRIES = 3;
/** Servers that send on to another one, one after the other. */
const MOST_REDIRECTS = 2;
const UDP = 17 << 24;
/** Codes of RFC 8489, 14.8, and RFC 8656, 19. */
const UNAUTHENTICATED = 401;
const MISMATCH = 437;
const STALE_NONCE = 438;
const FIRST_CHANNEL = 0x4000;
const CHANNEL_HEADER_BYTES = 4;

const { methods, classes } = werift;

export type Address = readonly [host: string, port: number];

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
  /** Resolves when the server still has it; rejects as `allocate` does. */
  probe(): Promise<void>;
  /** Gives it back. */
  close(): Promise<void>;
}

export interface AllocationEvents {
  data(data: Buffer, peer: Address): void;
  /** It is gone: the server forgot it, or the connection to it has ended. Not after `close`. */
  lost(error: Error): void;
}

interface Peer {
  address: Address;
  channel: number;
  state: 'asked' | 'bound' | 'refused';
  askedAt: number;
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
      const other = error instanceof StunError && error.response.getAttributeValue('ALTERNATE-SERVER');
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
  const peers = new Map<string, Peer>();
  const byChannel = new Map<number, Peer>();
  let login: { realm: string; nonce: Buffer; key: Buffer } | null = null;
  let state: 'asking' | 'open' | 'closed' = 'asking';
  let refreshTimer: NodeJS.Timeout | undefined;
  let carrier: Carrier | null = null;

  const ways = {
    packet: receive,
    doubt: (error: Error) => requests.doubt(error),
    end(error: Error) {
      requests.fail(error);
      lose(error);
    },
  };
  const requests = createRequests((packet) => carrier?.send(packet), target.transport !== 'udp');
  carrier = await openCarrier(target, addresses, ways, signal);
  const abort = () => requests.fail();
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    const first = performance.now();
    let rttMs: number | null = null;
    const { message } = await ask(
      methods.ALLOCATE,
      (request) => request.setAttribute('REQUESTED-TRANSPORT', UDP).setAttribute('LIFETIME', LIFETIME_S),
      () => {
        rttMs ??= performance.now() - first;
      },
    );
    const relayed = message.getAttributeValue('XOR-RELAYED-ADDRESS');
    const mapped = message.getAttributeValue('XOR-MAPPED-ADDRESS') ?? relayed;
    if (!relayed) throw new Error('it gave no relayed address');
    state = 'open';
    keep(message.getAttributeValue('LIFETIME') ?? LIFETIME_S);
    return { target, relayed, mapped, rttMs: rttMs ?? 0, send, probe, close };
  } catch (error) {
    state = 'closed';
    carrier.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }

  /** Sends a request with the login that the server asks for. @param answered is told of every answer */
  async function ask(
    method: werift.methods,
    fill: (request: werift.Message) => unknown,
    answered: () => void = () => {},
  ) {
    for (let tries = 1; ; tries++) {
      const request = new werift.Message(method, classes.REQUEST);
      fill(request);
      const used = login;
      if (used && target.login) {
        request
          .setAttribute('USERNAME', target.login.username)
          .setAttribute('REALM', used.realm)
          .setAttribute('NONCE', used.nonce)
          .addMessageIntegrity(used.key);
      }
      request.addFingerprint();
      try {
        const answer = await requests.ask(request, used?.key);
        answered();
        return answer;
      } catch (error) {
        if (!(error instanceof StunError)) throw error;
        answered();
        // Asked for a login for the first time, or with a new nonce. A login that is refused is wrong.
        const expected = error.code === (used ? STALE_NONCE : UNAUTHENTICATED);
        if (!expected || tries >= MOST_TRIES || !challenged(error.response)) throw error;
      }
    }
  }

  function challenged(response: werift.Message): boolean {
    const nonce = response.getAttributeValue('NONCE');
    const realm = response.getAttributeValue('REALM') ?? login?.realm;
    if (!target.login || !nonce || realm === undefined) return false;
    const { username, credential } = target.login;
    login = { realm, nonce, key: werift.makeIntegrityKey(username, realm, credential) };
    return true;
  }

  function receive(packet: Buffer): void {
    if ((packet[0] ?? 0) >> 6 === 1 && packet.length >= CHANNEL_HEADER_BYTES) {
      const peer = byChannel.get(packet.readUInt16BE(0));
      const end = CHANNEL_HEADER_BYTES + packet.readUInt16BE(2);
      if (peer && end <= packet.length) events.data(packet.subarray(CHANNEL_HEADER_BYTES, end), peer.address);
      return;
    }
    const message = requests.take(packet);
    const data = message?.getAttributeValue('DATA');
    const from = message?.getAttributeValue('XOR-PEER-ADDRESS');
    if (data && from) events.data(data, from);
  }

  function send(data: Buffer, address: Address): void {
    if (state !== 'open' || carrier?.congested()) return;
    const peer = peerAt(address);
    if (performance.now() - peer.askedAt > REBIND_MS) void bind(peer);
    if (peer.state === 'refused') return;
    carrier?.send(peer.state === 'bound' ? inChannel(peer.channel, data) : indication(data, address));
  }

  function peerAt(address: Address): Peer {
    const name = address.join(' ');
    let peer = peers.get(name);
    if (!peer) {
      const channel = FIRST_CHANNEL + peers.size;
      peer = { address, channel, state: 'asked', askedAt: Number.NEGATIVE_INFINITY };
      peers.set(name, peer);
      byChannel.set(channel, peer);
    }
    return peer;
  }

  /** Binding a channel gives the permission too, and what follows in the same flight finds it there. */
  async function bind(peer: Peer): Promise<void> {
    peer.askedAt = performance.now();
    try {
      await ask(methods.CHANNEL_BIND, (request) =>
        request.setAttribute('CHANNEL-NUMBER', peer.channel).setAttribute('XOR-PEER-ADDRESS', peer.address),
      );
      peer.state = 'bound';
    } catch (error) {
      // Servers don't relay to every address. Without an answer it is asked again with the next packet.
      if (!(error instanceof StunError)) peer.askedAt = Number.NEGATIVE_INFINITY;
      else if (error.code === MISMATCH) lose(error);
      else peer.state = 'refused';
    }
  }

  async function refresh(lifetime: number): Promise<number> {
    const { message } = await ask(methods.REFRESH, (request) => request.setAttribute('LIFETIME', lifetime));
    return message.getAttributeValue('LIFETIME') ?? lifetime;
  }

  /** Refreshes at half of its life, and again at half of what is left. @param lifetime s */
  function keep(lifetime: number): void {
    let endsAt = performance.now() + lifetime * 1000;
    const later = () => {
      const left = endsAt - performance.now();
      if (left < LEAST_REFRESH_MS) return lose(new Error('it could not be refreshed'));
      refreshTimer = setTimeout(again, Math.max(LEAST_REFRESH_MS, left / 2));
      refreshTimer.unref();
    };
    const again = async () => {
      try {
        endsAt = performance.now() + 1000 * (await refresh(LIFETIME_S));
      } catch (error) {
        if (error instanceof StunError) return lose(error);
      }
      if (state === 'open') later();
    };
    later();
  }

  async function probe(): Promise<void> {
    if (state !== 'open') throw new Error('it is closed');
    await refresh(LIFETIME_S);
  }

  function lose(error: Error): void {
    if (state !== 'open') return;
    end();
    events.lost(error);
  }

  function end(): void {
    state = 'closed';
    clearTimeout(refreshTimer);
    carrier?.close();
  }

  async function close(): Promise<void> {
    if (state !== 'open') return;
    state = 'closed';
    clearTimeout(refreshTimer);
    const limit = setTimeout(() => requests.fail(), RELEASE_MS);
    await refresh(0).catch(() => {});
    clearTimeout(limit);
    carrier?.close();
  }
}

function inChannel(channel: number, data: Buffer): Buffer {
  const packet = Buffer.allocUnsafe(CHANNEL_HEADER_BYTES + data.length);
  packet.writeUInt16BE(channel, 0);
  packet.writeUInt16BE(data.length, 2);
  packet.set(data, CHANNEL_HEADER_BYTES);
  return packet;
}

function indication(data: Buffer, peer: Address): Buffer {
  return new werift.Message(methods.SEND, classes.INDICATION)
    .setAttribute('XOR-PEER-ADDRESS', peer)
    .setAttribute('DATA', data).bytes;
}
