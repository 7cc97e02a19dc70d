/** Whether a TURN server gives a relay, and whether packets come through it. */
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { Target } from '../webrtc/ice-targets.ts';
import type { ProbeSocket } from '../webrtc/probe-socket.ts';
import { allocateAnywhere } from '../webrtc/relays.ts';
import type { Address } from '../webrtc/stun.ts';
import type { Allocation } from '../webrtc/turn-allocation.ts';

/** A server that has not given a relay after this doesn't give one, ms. */
const ALLOCATE_LIMIT_MS = 4_000;
/** A packet is sent again after this long, until it has come, ms. */
const AGAIN_MS = 100;
/** What has not come by then doesn't come, ms. */
const LIMIT_MS = 1_500;
const MARK_BYTES = 16;

export interface RelayTrial {
  relayed: Address;
  /** One round trip to the server, ms. */
  rttMs: number;
  /** Whether a packet came from another relay of the same server. */
  fromRelay: boolean;
  /** Where a packet that was sent to it directly came from; null when none came. */
  from: Address | null;
}

/**
 * Gets two relays, sends from one to the other, and from a socket to the first; and gives them back.
 * @param socket of the relay's family, null when there is none
 * @throws as `allocate`
 */
export async function tryRelay(
  target: Target,
  socket: ProbeSocket | null,
  signal: AbortSignal,
): Promise<RelayTrial> {
  const mark = randomBytes(MARK_BYTES);
  const direct = randomBytes(MARK_BYTES);
  let fromRelay = false;
  let from: Address | null = null;
  let arrived = (_data: Buffer, _peer: Address) => {};
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ALLOCATE_LIMIT_MS)]);
  const events = { data: (data: Buffer, peer: Address) => arrived(data, peer), lost: () => {} };
  const relay = await allocateAnywhere(target, events, limit);
  // A quota may allow one only; the direct way shows as much then.
  const other = await allocateAnywhere(target, { data: () => {}, lost: () => {} }, limit).catch(() => null);
  try {
    const found = Promise.withResolvers<void>();
    const wanted = () => (other === null || fromRelay) && (socket === null || from !== null);
    arrived = (data, peer) => {
      if (data.equals(mark)) fromRelay = true;
      if (data.equals(direct)) from = peer;
      if (wanted()) found.resolve();
    };
    const send = () => exchange(relay, other, mark, socket, direct);
    send();
    const again = setInterval(send, AGAIN_MS);
    const end = setTimeout(found.resolve, LIMIT_MS);
    signal.addEventListener('abort', () => found.resolve(), { once: true });
    if (signal.aborted || wanted()) found.resolve();
    await found.promise;
    clearInterval(again);
    clearTimeout(end);
    return { relayed: relay.relayed, rttMs: relay.rttMs, fromRelay, from };
  } finally {
    await Promise.all([relay.close(), other?.close()]);
  }
}

function exchange(
  relay: Allocation,
  other: Allocation | null,
  mark: Buffer,
  socket: ProbeSocket | null,
  direct: Buffer,
): void {
  // What is sent to somebody is also the permission for them to send here.
  if (other) {
    relay.send(Buffer.from('open'), other.relayed);
    other.send(mark, relay.relayed);
  }
  if (socket && isIP(relay.mapped[0]) === isIP(relay.relayed[0])) {
    relay.send(Buffer.from('open'), [relay.mapped[0], 9]);
    socket.send(direct, relay.relayed);
  }
}
