/** A connection with all the ways to it: libjuice's own candidates, relays of this end, the other end's candidates. */
import type { Candidate } from '../../shared/messages.ts';
import type { Gathered, ServerAnswer } from '../../shared/report.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { createBridges } from './bridges.ts';
import { isRelayOverTcp, lineOf } from './candidates.ts';
import { type Connection, type ConnectionEvents, openConnection } from './connection.ts';
import { type Gathering, gather } from './gathering.ts';
import { OFFERED_VIDEO, type VideoIds } from './offered-video.ts';
import {
  createRelayTraffic,
  gatheredOf,
  gatheredRelay,
  type Path,
  pathFrom,
  type Totals,
} from './path-stats.ts';
import { relayCandidate } from './relays.ts';
import { createRemote } from './remote.ts';
import type { StunServers } from './stun-servers.ts';
import type { Allocation } from './turn-allocation.ts';

/** libjuice asks a silent STUN server for longer than anybody wants to wait, ms. */
const GATHERING_LIMIT_MS = 5_000;

export interface TransportEvents extends Omit<ConnectionEvents, 'candidate' | 'gathered'> {
  /** One of this end's candidates; null after the last. */
  candidate(candidate: Candidate | null): void;
  gathering(state: 'gathering' | 'complete'): void;
  /** There are new addresses or answers of servers. */
  changed(): void;
}

export interface TransportOptions {
  iceServers(): IceServer[];
  allowLoopback: boolean;
  stun: StunServers;
  ids: VideoIds;
}

export type Transport = ReturnType<typeof createTransport>;

export function createTransport(options: TransportOptions, events: TransportEvents) {
  let connection: Connection | null = null;
  let gathering: Gathering | null = null;
  let opening: Promise<string> | null = null;
  let password: string | null = null;
  let closed = false;
  /** Candidates of libjuice. */
  const own: string[] = [];

  const remote = createRemote({
    allowLoopback: options.allowLoopback,
    check(candidate, host) {
      if (isRelayOverTcp(candidate)) bridges.reach([host, candidate.port]);
      else connection?.addCandidate(lineOf(candidate, host));
    },
    permit(host) {
      for (const relay of gathering?.relays() ?? []) relay.permit(host);
    },
  });
  const bridges = createBridges({
    port: () => portOf(own),
    password: () => password,
    isRelay: (address) => remote.typeOf(address) === 'relay',
    candidate: (line) => connection?.addCandidate(line),
  });
  const relayBytes = createRelayTraffic(bridges, (address) => remote.typeOf(address) === 'relay');

  async function open(): Promise<string> {
    events.gathering('gathering');
    const server = await options.stun.choose();
    if (closed) throw new Error('the connection is closed');
    const ended = Promise.withResolvers<void>();
    connection = openConnection(server, options.ids, {
      ...events,
      gathered: ended.resolve,
      candidate(line) {
        own.push(line);
        announce(line);
      },
    });
    const sdp = connection.offer();
    password = sdp.match(/^a=ice-pwd:(\S+)/m)?.[1] ?? null;
    gathering = gather(options.iceServers(), options.stun, {
      relay: relayed,
      data: bridges.take,
      answered: events.changed,
    });
    events.changed();
    setTimeout(ended.resolve, GATHERING_LIMIT_MS).unref();
    void Promise.all([ended.promise, gathering.done]).then(() => {
      if (closed) return;
      events.gathering('complete');
      events.candidate(null);
    });
    return sdp;
  }

  function announce(line: string): void {
    events.candidate({ candidate: line, sdpMid: OFFERED_VIDEO.mid, sdpMLineIndex: 0 });
    events.changed();
  }

  function relayed(relay: Allocation): void {
    for (const host of remote.hosts()) relay.permit(host);
    announce(relayCandidate(relay));
  }

  function path(): Path | null {
    const pair = connection?.path();
    return pair ? pathFrom(pair, bridges, remote) : null;
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
    path,
    gathered: (): Gathered[] => [...own.map(gatheredOf), ...(gathering?.relays() ?? []).map(gatheredRelay)],
    answers: (): ServerAnswer[] => gathering?.answers() ?? [],
    /** @param totals of all that was sent and received */
    relayBytes: (totals: Totals): number => relayBytes(totals, path()),
    close(): void {
      if (closed) return;
      closed = true;
      remote.close();
      bridges.close();
      gathering?.close();
      connection?.close();
    },
  };
}

/** libjuice has one socket for all of its candidates. */
function portOf(candidates: string[]): number | null {
  const host = candidates.find((line) => line.includes(' typ host'));
  return host ? Number(host.split(' ')[5]) : null;
}
