/**
 * Relays for libjuice, which does not know of them: what comes over a relay from one address of the other end
 * enters libjuice from a socket of its own on loopback, and what libjuice sends there leaves over the relay.
 *
 * This end waits on its relays. The other end knows their addresses, and its check is what makes a bridge; to
 * libjuice that is another remote candidate, whose priority is lower than that of any direct one. It is told of
 * it before it sees the check: from an unknown address it would give the path the check's own, high priority.
 * A bridge is made for a check with this session's password only, so that nobody else gets one.
 */
import { createSocket, type Socket } from 'node:dgram';
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
/** For one session: four addresses of the other end over one relay, or its only one over four. */
const MOST_BRIDGES = 4;
/** Lower than those of all other candidates (RFC 8445, section 5.1.2); the nearer to plain UDP, the better. */
const PRIORITY: Record<TurnTransport, number> = { udp: 400, tcp: 300, tls: 200 };
/** Over two relays. */
const OTHER_RELAYED = -50;
/** Packets that come while a socket is made. */
const MOST_WAITING = 8;

export interface Bridge {
  allocation: Allocation;
  peer: Address;
  /** Sent and received, without the checks. */
  bytes: number;
}

interface Open extends Bridge {
  socket: Socket;
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
  const bridges = new Map<string, Open>();
  let closed = false;

  function open(allocation: Allocation, peer: Address, target: number): Open {
    const socket = createSocket('udp4');
    const bridge: Open = { allocation, peer, bytes: 0, socket, port: null, waiting: [] };
    socket.on('error', () => {});
    socket.on('message', (packet) => {
      if (!isStun(packet)) bridge.bytes += packet.length;
      allocation.send(isStun(packet) ? seenFrom(peer, packet) : packet, peer);
    });
    socket.bind(0, HERE, () => {
      // Connected: it takes packets from libjuice alone.
      socket.connect(target, HERE, () => {
        if (closed) return;
        const { port } = socket.address();
        bridge.port = port;
        const priority = PRIORITY[allocation.target.transport] + (options.isRelay(peer) ? OTHER_RELAYED : 0);
        options.candidate(
          `candidate:${port} 1 UDP ${priority} ${HERE} ${port} typ relay raddr 0.0.0.0 rport 0`,
        );
        for (const packet of bridge.waiting.splice(0)) enter(bridge, packet);
      });
    });
    return bridge;
  }

  function enter({ socket }: Open, packet: Buffer): void {
    socket.send(packet, (error) => void error);
  }

  /** An answer says where its check came from: to libjuice from here, to the other end from where it is. */
  function seenFrom(peer: Address, packet: Buffer): Buffer {
    const message = parseStun(packet);
    const password = options.password();
    if (message?.kind !== 'success' || message.method !== METHOD.BINDING || password === null) return packet;
    message.attributes.set(ATTRIBUTE.XOR_MAPPED_ADDRESS, addressValue(peer, message.id));
    return encodeStun(message, Buffer.from(password));
  }

  function isCheck(packet: Buffer): boolean {
    const message = parseStun(packet);
    const password = options.password();
    if (message?.kind !== 'request' || message.method !== METHOD.BINDING || password === null) return false;
    return isIntact(packet, Buffer.from(password));
  }

  return {
    /** A packet has come over a relay. */
    take(allocation: Allocation, packet: Buffer, peer: Address): void {
      const name = [...allocation.relayed, ...peer].join(' ');
      if (closed) return;
      let bridge = bridges.get(name);
      if (!bridge) {
        const target = options.port();
        if (target === null || bridges.size >= MOST_BRIDGES || !isCheck(packet)) return;
        bridge = open(allocation, peer, target);
        bridges.set(name, bridge);
      }
      if (!isStun(packet)) bridge.bytes += packet.length;
      if (bridge.port !== null) enter(bridge, packet);
      else if (bridge.waiting.length < MOST_WAITING) bridge.waiting.push(Buffer.from(packet));
    },
    /** The bridge that libjuice knows as this remote address. */
    at({ address, port }: { address: string; port: number }): Bridge | undefined {
      return address === HERE ? [...bridges.values()].find((bridge) => bridge.port === port) : undefined;
    },
    all: (): Iterable<Bridge> => bridges.values(),
    close(): void {
      closed = true;
      for (const { socket } of bridges.values()) socket.close();
    },
  };
}
