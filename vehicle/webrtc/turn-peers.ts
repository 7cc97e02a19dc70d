/** Whom an allocation lets through, and what goes to them and comes from them (RFC 8656, sections 9 to 12). */
import { isIP } from 'node:net';
import {
  type Address,
  ATTRIBUTE,
  addressOf,
  addressValue,
  encodeStun,
  METHOD,
  numberValue,
  type StunMessage,
  stunMessage,
} from './stun.ts';
import { StunError } from './stun-requests.ts';
import type { TurnRequests } from './turn-requests.ts';

/** A channel is bound again when it is used after this long; its permission lasts 300 s. RFC 8656, section 9. */
const REBIND_MS = 240_000;
const FIRST_CHANNEL = 0x4000;
const CHANNEL_HEADER_BYTES = 4;
/** The server does not know the allocation (any more). */
const MISMATCH = 437;

interface Peer {
  address: Address;
  channel: number;
  state: 'asked' | 'bound' | 'refused';
  askedAt: number;
}

export interface TurnPeersOptions {
  ask: TurnRequests['ask'];
  transmit(packet: Buffer): void;
  data(data: Buffer, peer: Address): void;
  lost(error: Error): void;
}

export const isChannelData = (packet: Buffer): boolean =>
  (packet[0] ?? 0) >> 6 === 1 && packet.length >= CHANNEL_HEADER_BYTES;

export function createTurnPeers({ ask, transmit, data, lost }: TurnPeersOptions) {
  const peers = new Map<string, Peer>();
  const byChannel = new Map<number, Peer>();
  const permitted = new Set<string>();

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
      await ask(METHOD.CHANNEL_BIND, (id) => [
        [ATTRIBUTE.CHANNEL_NUMBER, numberValue(peer.channel * 0x1_0000)],
        [ATTRIBUTE.XOR_PEER_ADDRESS, addressValue(peer.address, id)],
      ]);
      peer.state = 'bound';
    } catch (error) {
      // Servers don't relay to every address. Without an answer it is asked again with the next packet.
      if (!(error instanceof StunError)) peer.askedAt = Number.NEGATIVE_INFINITY;
      else if (error.code === MISMATCH) lost(error);
      else peer.state = 'refused';
    }
  }

  return {
    permit(host: string): void {
      if (permitted.has(host)) return;
      permitted.add(host);
      const asking = ask(METHOD.CREATE_PERMISSION, (id) => [
        [ATTRIBUTE.XOR_PEER_ADDRESS, addressValue([host, 0], id)],
      ]);
      // One that has not answered is asked again with the next candidate of that address.
      asking.catch((error) => error instanceof StunError || permitted.delete(host));
    },
    send(packet: Buffer, address: Address): void {
      const peer = peerAt(address);
      if (performance.now() - peer.askedAt > REBIND_MS) void bind(peer);
      if (peer.state === 'refused') return;
      transmit(peer.state === 'bound' ? inChannel(peer.channel, packet) : indication(packet, address));
    },
    takeChannelData(packet: Buffer): void {
      const peer = byChannel.get(packet.readUInt16BE(0));
      const end = CHANNEL_HEADER_BYTES + packet.readUInt16BE(2);
      if (peer && end <= packet.length) data(packet.subarray(CHANNEL_HEADER_BYTES, end), peer.address);
    },
    takeIndication(message: StunMessage): void {
      const packet = message.attributes.get(ATTRIBUTE.DATA);
      const from = addressOf(message, ATTRIBUTE.XOR_PEER_ADDRESS);
      if (message.method === METHOD.DATA && packet && from) data(packet, from);
    },
  };
}

export const sameFamily = (one: string, other: string): boolean => isIP(one) === isIP(other);

function inChannel(channel: number, data: Buffer): Buffer {
  const packet = Buffer.allocUnsafe(CHANNEL_HEADER_BYTES + data.length);
  packet.writeUInt16BE(channel, 0);
  packet.writeUInt16BE(data.length, 2);
  packet.set(data, CHANNEL_HEADER_BYTES);
  return packet;
}

function indication(data: Buffer, peer: Address): Buffer {
  const message = stunMessage(METHOD.SEND, 'indication');
  message.attributes
    .set(ATTRIBUTE.XOR_PEER_ADDRESS, addressValue(peer, message.id))
    .set(ATTRIBUTE.DATA, data);
  return encodeStun(message);
}
