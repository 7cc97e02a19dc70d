/** A connection with all the ways to it: sockets and relays of this end, and the other end's candidates. */
import { isIP } from 'node:net';
import type { Candidate } from '../../shared/messages.ts';
import type { Gathered, ServerAnswer } from '../../shared/report.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { type Bridges, createBridges, type Way } from './bridges.ts';
import { type Connection, type ConnectionEvents, openConnection } from './connection.ts';
import { type Gathering, gather } from './gathering.ts';
import { OFFERED_VIDEO, type VideoIds } from './offered-video.ts';
import { createRelayTraffic, type Path, pathOver } from './path-stats.ts';
import { openProbeSocket, type ProbeSocket } from './probe-socket.ts';
import { createRemote } from './remote.ts';
import type { Address } from './stun.ts';
import type { Allocation } from './turn-allocation.ts';

/** Time for what says that it is over to leave, ms. */
const FAREWELL_MS = 50;

export interface TransportEvents extends ConnectionEvents {
  /** One of this end's candidates; null after the last. */
  candidate(candidate: Candidate | null): void;
  gathering(state: 'gathering' | 'complete'): void;
  /** Something else than a check has come. */
  heard(): void;
  /** There are new addresses or answers of servers. */
  changed(): void;
}

export interface TransportOptions {
  iceServers(): IceServer[];
  allowLoopback: boolean;
  ids: VideoIds;
}

export type Transport = ReturnType<typeof createTransport>;

export function createTransport(
  { iceServers, allowLoopback, ids }: TransportOptions,
  events: TransportEvents,
) {
  const sockets = new Map<ProbeSocket, Way>();
  const relays = new Map<Allocation, Way>();
  let connection: Connection | null = null;
  let bridges: Bridges | null = null;
  let gathering: Gathering | null = null;
  let opening: Promise<string> | null = null;
  let closed = false;

  const remote = createRemote({ allowLoopback, check, permit });
  const countRelayed = createRelayTraffic((address) => remote.typeOf(address) === 'relay');

  function check(peer: Address): void {
    const socket = [...sockets].find(([{ family }]) => family === isIP(peer[0]));
    if (socket) bridges?.reach(socket[1], peer);
  }

  function permit(host: string): void {
    for (const relay of gathering?.relays() ?? []) relay.permit(host);
  }

  async function openSocket(family: 4 | 6): Promise<void> {
    const socket = await openProbeSocket(family, (packet, from) => bridges?.take(way, packet, from));
    const way: Way = { send: socket.send, relay: null };
    if (closed) return socket.close();
    sockets.set(socket, way);
  }

  async function open(): Promise<string> {
    events.gathering('gathering');
    // A machine may have one family only.
    await Promise.allSettled([openSocket(4), openSocket(6)]);
    if (closed) throw new Error('the connection is closed');
    connection = openConnection(ids, events);
    const { offer, port, addCandidate } = connection;
    const { heard } = events;
    const password = Buffer.from(offer.match(/^a=ice-pwd:(\S+)/m)?.[1] ?? '');
    bridges = createBridges({ port, password, typeOf: remote.typeOf, candidate: addCandidate, heard });
    gathering = gather({
      servers: iceServers(),
      sockets: [...sockets.keys()],
      loopback: allowLoopback,
      candidate({ line }) {
        events.candidate({ candidate: line, sdpMid: OFFERED_VIDEO.mid, sdpMLineIndex: 0 });
        events.changed();
      },
      relay(relay) {
        relays.set(relay, { send: relay.send, relay });
        for (const host of remote.hosts()) relay.permit(host);
      },
      data(relay, packet, from) {
        const way = relays.get(relay);
        if (way) bridges?.take(way, packet, from);
      },
      answered: events.changed,
    });
    void gathering.done.then(() => {
      if (closed) return;
      events.gathering('complete');
      events.candidate(null);
    });
    return offer;
  }

  return {
    /** The local description, the same every time; nothing is gathered before the first. */
    offer(): Promise<string> {
      opening ??= open();
      return opening;
    },
    accept(answer: string): void {
      if (!connection) throw new Error('nothing was offered');
      connection.accept(answer);
      remote.answered(answer);
    },
    addCandidate: remote.add,
    connection: () => connection,
    path(): Path | null {
      const port = connection?.remotePort() ?? null;
      const bridge = port === null ? undefined : bridges?.at(port);
      return bridge ? pathOver(bridge, remote.typeOf) : null;
    },
    gathered: (): Gathered[] => gathering?.gathered() ?? [],
    answers: (): ServerAnswer[] => gathering?.answers() ?? [],
    /** Over all ways, without checks. */
    bytes() {
      const all = bridges?.all() ?? [];
      const sum = (of: 'sent' | 'received') => all.reduce((total, bridge) => total + bridge[of], 0);
      return { bytesSent: sum('sent'), bytesReceived: sum('received'), relayBytes: countRelayed(all) };
    },
    close(): void {
      if (closed) return;
      closed = true;
      remote.close();
      // Its goodbye still leaves by the bridges.
      connection?.close();
      setTimeout(() => {
        bridges?.close();
        gathering?.close();
        for (const socket of sockets.keys()) socket.close();
      }, FAREWELL_MS);
    },
  };
}
