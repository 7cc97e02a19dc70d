/** What a werift connection has sent and received, over all paths that it has had; and over relays. */
import * as werift from 'werift';
import { createRelayCount } from '../../shared/relay-count.ts';
import { insidesOf } from './insides.ts';

/** In bytes, without the checks of the paths. */
export interface Traffic {
  bytesSent: number;
  bytesReceived: number;
  /** Through relays; what counts is in shared/relay-count.ts. */
  relayBytes(): number;
}

/** From one of this end's addresses to one of the other's. */
interface Route {
  protocol: werift.Protocol;
  to: werift.Address;
  bytes: number;
}

/** Begins to count; werift's own figures are those of one pair, and begin anew with every restart. */
export function countTraffic(connection: werift.Connection): Traffic {
  const routes: Route[] = [];
  const countRelayed = createRelayCount();
  const traffic: Traffic = {
    bytesSent: 0,
    bytesReceived: 0,
    relayBytes: () =>
      countRelayed(
        routes.map((route) => ({ key: route, relays: relaysOf(route, connection), bytes: route.bytes })),
      ),
  };

  function routeOf(protocol: werift.Protocol, to: werift.Address): Route {
    const known = routes.find((route) => route.protocol === protocol && same(route.to, to));
    if (known) return known;
    const route = { protocol, to, bytes: 0 };
    routes.push(route);
    return route;
  }

  const insides = insidesOf(connection);
  const { ensureProtocol } = insides;
  insides.ensureProtocol = (protocol) => {
    ensureProtocol.call(connection, protocol);
    const { sendData } = protocol;
    // Who has sent something isn't told with it; it is the one who is being sent to.
    let route: Route | null = null;
    protocol.sendData = (data, to) => {
      if (!route || !same(route.to, to)) route = routeOf(protocol, to);
      route.bytes += data.length;
      traffic.bytesSent += data.length;
      return sendData.call(protocol, data, to);
    };
    protocol.onDataReceived.subscribe((data) => {
      if (route) route.bytes += data.length;
      traffic.bytesReceived += data.length;
    });
  };
  return traffic;
}

const same = (one: werift.Address, other: werift.Address) => one[0] === other[0] && one[1] === other[1];

function relaysOf({ protocol, to }: Route, ice: werift.Connection): number {
  const here = protocol instanceof werift.StunOverTurnProtocol ? 1 : 0;
  return here + (isRelay(to, ice) ? 1 : 0);
}

/** Looked up by its address: one that was heard from before it was announced is known as `prflx`, too. */
export function isRelay([host, port]: werift.Address, { remoteCandidates }: werift.Connection): boolean {
  return remoteCandidates.some((one) => one.type === 'relay' && one.host === host && one.port === port);
}
