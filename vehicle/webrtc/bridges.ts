/**
 * The ways to the other end, as libjuice sees them. It listens on loopback alone; here each pair of a way (a UDP
 * socket, or a relay) and an address of the other end has a socket there, a bridge, which to libjuice is a remote
 * candidate. Why not libjuice's own sockets:
 *
 * - it knows TURN over UDP only, and asks one STUN server;
 * - whoever is not of this session does not even get to it: only a check with the session's password makes a
 *   bridge, and what comes from an address without one is dropped;
 * - the preference of paths is decided here, whether an address was named or a check came from it first;
 * - Chromium (at least until 150) says in its checks over TURN by TCP or TLS that its tie-breaker is 0, which
 *   libjuice answers with an error, and Chromium leaves the path. It is put right on the way.
 */
import { createSocket, type Socket } from 'node:dgram';
import { hasStuntedRecord } from './dtls-records.ts';
import { priorityOf } from './path-priority.ts';
import {
  type Address,
  ATTRIBUTE,
  addressValue,
  encodeStun,
  isIntact,
  isStun,
  METHOD,
  parseStun,
} from './stun.ts';
import type { Allocation } from './turn-allocation.ts';

const HERE = '127.0.0.1';
/** Of those whose check came before their address was named: behind another NAT, hidden, or over a relay. */
const MOST_UNNAMED = 6;
/** Packets that come while a socket is made. */
const MOST_WAITING = 8;
/** Any but 0. */
const TIE_BREAKER = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]);

/** By which packets leave. */
export interface Way {
  send(packet: Buffer, to: Address): void;
  /** Null for a socket of this machine. */
  relay: Allocation | null;
}

export interface Bridge {
  way: Way;
  peer: Address;
  /** Bytes, without the checks. */
  sent: number;
  received: number;
}

interface Open extends Bridge {
  socket: Socket;
  /** Libjuice's candidate for it; null while the socket is being made. */
  port: number | null;
  waiting: Buffer[];
}

export interface BridgesOptions {
  /** Libjuice's own port. */
  port: number;
  /** Of this end's description (RFC 8445, section 5.3). */
  password: Buffer;
  /** As what the other end has named an address, if it has. */
  typeOf(address: Address): string | undefined;
  /** Tells libjuice of a candidate, at once. */
  candidate(line: string): void;
  /** Something else than a check has come. */
  heard(): void;
}

export type Bridges = ReturnType<typeof createBridges>;

export function createBridges(options: BridgesOptions) {
  const { port: target, password } = options;
  const bridges = new Map<Way, Map<string, Open>>();
  let unnamed = 0;
  let closed = false;
  const all = () => [...bridges.values()].flatMap((ofWay) => [...ofWay.values()]);

  function open(way: Way, peer: Address): Open {
    const socket = createSocket('udp4');
    const bridge: Open = { way, peer, sent: 0, received: 0, socket, port: null, waiting: [] };
    const ofWay = bridges.get(way) ?? new Map<string, Open>();
    bridges.set(way, ofWay.set(peer.join(' '), bridge));
    socket.on('error', () => {});
    socket.on('message', (packet) => {
      if (!isStun(packet)) bridge.sent += packet.length;
      way.send(isStun(packet) ? outgoing(packet, peer, password) : packet, peer);
    });
    socket.bind(0, HERE, () => {
      // Connected: it takes packets from libjuice alone.
      socket.connect(target, HERE, () => {
        if (closed) return;
        const { port } = socket.address();
        bridge.port = port;
        const priority = priorityOf(way.relay?.target.transport ?? null, peer[0], options.typeOf(peer));
        options.candidate(`candidate:${port} 1 UDP ${priority} ${HERE} ${port} typ host`);
        for (const packet of bridge.waiting.splice(0)) enter(bridge, packet);
      });
    });
    return bridge;
  }

  function enter(bridge: Open, packet: Buffer): void {
    if (bridge.port === null) {
      if (bridge.waiting.length < MOST_WAITING) bridge.waiting.push(Buffer.from(packet));
      return;
    }
    if (!isStun(packet)) {
      bridge.received += packet.length;
      options.heard();
    }
    bridge.socket.send(isStun(packet) ? incoming(packet, password) : packet, () => {});
  }

  return {
    /** A packet has come by a way. */
    take(way: Way, packet: Buffer, from: Address): void {
      if (closed || hasStuntedRecord(packet)) return;
      const known = bridges.get(way)?.get(from.join(' '));
      if (known) return enter(known, packet);
      if (unnamed >= MOST_UNNAMED || !isCheck(packet, password)) return;
      unnamed++;
      enter(open(way, from), packet);
    },
    /** Checks an address that the other end has named. */
    reach(way: Way, peer: Address): void {
      if (!closed && !bridges.get(way)?.has(peer.join(' '))) open(way, peer);
    },
    /** The bridge that libjuice knows as this remote port. */
    at: (port: number): Bridge | undefined => all().find((bridge) => bridge.port === port),
    all: (): Bridge[] => all(),
    close(): void {
      closed = true;
      for (const { socket } of all()) socket.close();
    },
  };
}

/** An answer says where its check came from: to libjuice from here, to the other end from where that is. */
function outgoing(packet: Buffer, peer: Address, password: Buffer): Buffer {
  const message = parseStun(packet);
  if (message?.kind !== 'success' || message.method !== METHOD.BINDING) return packet;
  message.attributes.set(ATTRIBUTE.XOR_MAPPED_ADDRESS, addressValue(peer, message.id));
  return encodeStun(message, password);
}

/** A check with a tie-breaker of 0 gets another one, if it is a check of this session. */
function incoming(packet: Buffer, password: Buffer): Buffer {
  const message = parseStun(packet);
  const zero = message?.attributes.get(ATTRIBUTE.ICE_CONTROLLED)?.every((byte) => byte === 0);
  if (!zero || !message || !isCheck(packet, password)) return packet;
  message.attributes.set(ATTRIBUTE.ICE_CONTROLLED, TIE_BREAKER);
  return encodeStun(message, password);
}

/** With this session's password. */
function isCheck(packet: Buffer, password: Buffer): boolean {
  const message = parseStun(packet);
  return message?.kind === 'request' && message.method === METHOD.BINDING && isIntact(packet, password);
}
