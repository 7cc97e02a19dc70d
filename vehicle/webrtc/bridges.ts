/**
 * Paths that libjuice does not see itself: what comes from one address of the other end enters libjuice from a
 * socket of its own on loopback, and what libjuice sends there leaves to that address. To libjuice that is
 * another remote candidate, with a lower priority than any other. There are two kinds:
 *
 * - over a relay of this end. This end waits there: the other end knows the relayed address, and its check makes
 *   the bridge. libjuice is told of it before it sees the check: from an unknown address it would give the path
 *   the check's own, high priority. Only a check with this session's password makes one;
 * - to a relay of the other end, where a browser reaches that by TCP or TLS. Chromium (at least until 150) says
 *   there in its checks that its ICE tie-breaker is 0, which libjuice answers with an error (400), and Chromium
 *   leaves the path. It is put right on the way.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { TurnTransport } from './ice-targets.ts';
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
/** Over relays of this end, for one session: four addresses of the other end at one, or its only one at four. */
const MOST_BRIDGES = 4;
/** Lower than those of all other candidates (RFC 8445, section 5.1.2); the nearer to plain UDP, the better. */
const PRIORITY: Record<TurnTransport, number> = { udp: 400, tcp: 300, tls: 200 };
const DIRECT_PRIORITY = 450;
/** Over two relays. */
const OTHER_RELAYED = -150;
/** Packets that come while a socket is made. */
const MOST_WAITING = 8;
/** Any but 0. */
const TIE_BREAKER = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]);

export interface Bridge {
  /** Null where it leads to the other end without one. */
  allocation: Allocation | null;
  peer: Address;
  /** Sent and received, without the checks. */
  bytes: number;
}

interface Open extends Bridge {
  send(packet: Buffer): void;
  sockets: Socket[];
  /** Libjuice's candidate for it; null while the socket is being made. */
  port: number | null;
  waiting: Buffer[];
}

export interface BridgesOptions {
  /** Libjuice's own port; null while that is not known. */
  port(): number | null;
  /** Of this end's description (RFC 8445, section 5.3). */
  password(): string | null;
  /** Whether the other end has named this address as a relayed one. */
  isRelay(address: Address): boolean;
  /** Tells libjuice of a candidate, at once. */
  candidate(line: string): void;
}

export type Bridges = ReturnType<typeof createBridges>;

export function createBridges(options: BridgesOptions) {
  const relayed = new Map<string, Open>();
  const direct: Open[] = [];
  let closed = false;
  const all = () => [...relayed.values(), ...direct];

  function open(bridge: Open, priority: number, target: number): Open {
    const socket = createSocket('udp4');
    bridge.sockets.push(socket);
    socket.on('error', () => {});
    socket.on('message', (packet) => {
      if (!isStun(packet)) bridge.bytes += packet.length;
      bridge.send(isStun(packet) ? outgoing(packet, bridge.peer, options.password()) : packet);
    });
    socket.bind(0, HERE, () => {
      // Connected: it takes packets from libjuice alone.
      socket.connect(target, HERE, () => {
        if (closed) return;
        const { port } = socket.address();
        bridge.port = port;
        options.candidate(
          `candidate:${port} 1 UDP ${priority} ${HERE} ${port} typ relay raddr 0.0.0.0 rport 0`,
        );
        for (const packet of bridge.waiting.splice(0)) enter(bridge, packet);
      });
    });
    return bridge;
  }

  function enter(bridge: Open, packet: Buffer): void {
    if (closed) return;
    if (bridge.port === null) {
      if (bridge.waiting.length < MOST_WAITING) bridge.waiting.push(Buffer.from(packet));
      return;
    }
    if (!isStun(packet)) bridge.bytes += packet.length;
    bridge.sockets[0]?.send(isStun(packet) ? incoming(packet, options.password()) : packet, () => {});
  }

  return {
    /** A packet has come over a relay of this end. */
    take(allocation: Allocation, packet: Buffer, peer: Address): void {
      const name = [...allocation.relayed, ...peer].join(' ');
      let bridge = relayed.get(name);
      if (!bridge) {
        const target = options.port();
        if (closed || target === null || relayed.size >= MOST_BRIDGES) return;
        if (!isCheck(packet, options.password())) return;
        const send = (data: Buffer) => allocation.send(data, peer);
        const made = { allocation, peer, send, bytes: 0, sockets: [], port: null, waiting: [] };
        const priority = PRIORITY[allocation.target.transport] + (options.isRelay(peer) ? OTHER_RELAYED : 0);
        bridge = open(made, priority, target);
        relayed.set(name, bridge);
      }
      enter(bridge, packet);
    },
    /** Leads to a relay of the other end. */
    reach(peer: Address): void {
      const target = options.port();
      if (closed || target === null) return;
      const [host, port] = peer;
      const outside = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
      const send = (data: Buffer) => outside.send(data, port, host, () => {});
      const bridge = open(
        { allocation: null, peer, send, bytes: 0, sockets: [], port: null, waiting: [] },
        DIRECT_PRIORITY,
        target,
      );
      outside.on('error', () => {});
      outside.on('message', (packet, from) => {
        if (from.address === host && from.port === port) enter(bridge, packet);
      });
      bridge.sockets.push(outside);
      direct.push(bridge);
    },
    /** The bridge that libjuice knows as this remote address. */
    at({ address, port }: { address: string; port: number }): Bridge | undefined {
      return address === HERE ? all().find((bridge) => bridge.port === port) : undefined;
    },
    all: (): Bridge[] => all(),
    close(): void {
      closed = true;
      for (const socket of all().flatMap(({ sockets }) => sockets)) socket.close();
    },
  };
}

/** An answer says where its check came from: to libjuice from here, to the other end from where that is. */
function outgoing(packet: Buffer, peer: Address, password: string | null): Buffer {
  const message = parseStun(packet);
  if (message?.kind !== 'success' || message.method !== METHOD.BINDING || password === null) return packet;
  message.attributes.set(ATTRIBUTE.XOR_MAPPED_ADDRESS, addressValue(peer, message.id));
  return encodeStun(message, Buffer.from(password));
}

/** A check with a tie-breaker of 0 gets another one, if it is a check of this session. */
function incoming(packet: Buffer, password: string | null): Buffer {
  const message = parseStun(packet);
  const zero = message?.attributes.get(ATTRIBUTE.ICE_CONTROLLED)?.every((byte) => byte === 0);
  if (!zero || !message || password === null || !isCheck(packet, password)) return packet;
  message.attributes.set(ATTRIBUTE.ICE_CONTROLLED, TIE_BREAKER);
  return encodeStun(message, Buffer.from(password));
}

/** With this session's password. */
function isCheck(packet: Buffer, password: string | null): boolean {
  const message = parseStun(packet);
  if (message?.kind !== 'request' || message.method !== METHOD.BINDING || password === null) return false;
  return isIntact(packet, Buffer.from(password));
}
