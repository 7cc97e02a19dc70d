/** Relayed addresses of TURN servers, as protocols of werift's ICE, and kept over restarts while they live. */
import * as werift from 'werift';
import { firstOf } from './first-of.ts';
import type { Target, TurnTransport } from './ice-targets.ts';
import { resolve } from './resolve.ts';
import { type Allocation, type AllocationEvents, allocate } from './turn-allocation.ts';

/** Type preferences as libwebrtc has them: the nearer to plain UDP, the better. RFC 8445, section 5.1.2.1. */
const TYPE_PREFERENCE: Record<TurnTransport, number> = { udp: 2, tcp: 1, tls: 0 };
/** As werift has for all others. */
const LOCAL_PREFERENCE = 8191;

export interface Relay extends werift.StunOverTurnProtocol {
  allocation: Allocation;
}

/** How the servers of relayed candidates are reached. */
const transports = new WeakMap<werift.Candidate, TurnTransport>();

/** Undefined for candidates that are not relayed by a server of ours. */
export const transportOf = (candidate: werift.Candidate) => transports.get(candidate);

export interface RelayEvents {
  /** A new one is to be made known to the connection. */
  opened(relay: Relay): void;
  /** Another one takes its place; something may still be on its way over it. */
  replaced(relay: Relay): void;
  /** Its server has forgotten it, or can't be reached any more. */
  lost(relay: Relay, error: Error): void;
}

export function createRelays(events: RelayEvents) {
  /** By URL. */
  const held = new Map<string, Relay>();

  function lost(relay: Relay, error: Error): void {
    const { url } = relay.allocation.target;
    if (held.get(url) === relay && held.delete(url)) events.lost(relay, error);
  }

  /** The old one, should its server still know it, or the new one, whichever is there first. */
  async function oneOf(old: Relay, made: Promise<Relay>, target: Target): Promise<Relay> {
    // What was got with an old login can't be refreshed for ever.
    const usable = old.allocation.target.login?.username === target.login?.username;
    const probe = usable ? old.allocation.probe() : Promise.reject(new Error('its login is old'));
    const relay = await Promise.any([probe.then(() => old), made]).catch(() => null);
    if (relay !== old) events.replaced(old);
    return relay ?? made;
  }

  return {
    /**
     * An address that is there already, when its server still knows it, or a new one, whichever is faster.
     * @throws UnknownHostError and what `allocate` throws
     */
    async get(target: Target, signal: AbortSignal): Promise<Relay> {
      const old = held.get(target.url);
      held.delete(target.url);
      const giveUp = new AbortController();
      const made = openRelay(target, lost, AbortSignal.any([signal, giveUp.signal]));
      made.then(events.opened, () => {});
      const relay = old ? await oneOf(old, made, target) : await made;
      if (relay === old) {
        giveUp.abort();
        made.then((late) => late.close()).catch(() => {});
      }
      if (signal.aborted) void relay.close();
      signal.throwIfAborted();
      return relay;
    },

    /** Keeps one for the next time. */
    hold(relay: Relay): void {
      held.set(relay.allocation.target.url, relay);
    },

    /** Lets go of all but those of these URLs. */
    keepOnly(urls: string[]): void {
      for (const [url, relay] of held) {
        if (urls.includes(url)) continue;
        held.delete(url);
        events.replaced(relay);
      }
    },
  };
}

async function openRelay(
  target: Target,
  onLost: (relay: Relay, error: Error) => void,
  signal: AbortSignal,
): Promise<Relay> {
  const onData = new werift.Event<[Buffer, werift.Address]>();
  let relay: Relay | null = null;
  const allocation = await allocateAnywhere(
    target,
    {
      data: (data, peer) => onData.execute(data, peer),
      lost: (error) => relay && onLost(relay, error),
    },
    signal,
  );
  // What werift's protocol needs of its own TURN client.
  const client = {
    onData,
    transactions: {},
    sendData: async (data: Buffer, peer: werift.Address) => allocation.send(data, peer),
    close: () => allocation.close(),
  };
  const protocol = new werift.StunOverTurnProtocol(client as unknown as werift.TurnProtocol);
  protocol.localCandidate = candidateOf(allocation);
  transports.set(protocol.localCandidate, target.transport);
  relay = Object.assign(protocol, { allocation });
  return relay;
}

export async function allocateAnywhere(
  target: Target,
  events: AllocationEvents,
  signal: AbortSignal,
): Promise<Allocation> {
  const addresses = await resolve(target.host);
  if (target.transport !== 'udp') return allocate(target, addresses, events, signal);
  const attempt = (address: string, own: AbortSignal) => allocate(target, [address], events, own);
  return firstOf(addresses, attempt, (late) => void late.close(), signal);
}

function candidateOf({ target, relayed, mapped }: Allocation): werift.Candidate {
  const foundation = werift.candidateFoundation('relay', target.transport, relayed[0]);
  const priority = TYPE_PREFERENCE[target.transport] * 2 ** 24 + LOCAL_PREFERENCE * 2 ** 8 + 255;
  return new werift.Candidate(foundation, 1, 'udp', priority, ...relayed, 'relay', ...mapped);
}
