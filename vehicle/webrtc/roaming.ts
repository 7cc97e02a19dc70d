/**
 * Keeps a path in use while the networks under it change.
 *
 * werift stops sending when ICE restarts, until another pair is nominated; and it sends to where the other
 * end was when the pair was nominated, for ever. Here the old pair stays in use during a restart (RFC 8445,
 * section 9), and an other end that is suddenly heard from elsewhere, behind another address or NAT mapping,
 * is followed there as soon as a check has proved that it is the same. Both without a word over the broker.
 */
import * as werift from 'werift';
import { insidesOf } from './insides.ts';

/** A path that was heard of within this time is not left for another one, ms. */
const FRESH_MS = 200;
/** Between two checks of one address, ms. */
const CHECK_INTERVAL_MS = 100;
/** After 50, 100 and 200 ms; then there may have been another question already. */
const RETRANSMISSIONS = 3;

type Pair = werift.CandidatePair;

interface Receiver {
  datagramReceived(data: Buffer, from: werift.Address): void;
}

/** A pair, and by which names and password the two ends knew each other when it was nominated. */
interface Path {
  pair: Pair;
  names: { localUsername: string; remoteUsername: string };
  password: Buffer;
}

export interface Roaming {
  /** Asks the other end, over the path in use, whether it can be reached from here, and to answer to here. */
  probe(): void;
}

/** @param onMoved another pair is in use */
export function keepPath(ice: werift.Connection, onMoved: () => void): Roaming {
  const insides = insidesOf(ice);
  const { restart, send, checkIncoming } = ice;
  const { ensureProtocol } = insides;
  /** In use while nothing is nominated: that of before the restart. */
  let former: Path | null = null;
  let heardAt = 0;
  const checkedAt = new Map<string, number>();

  ice.restart = () => {
    former = inUse();
    return restart.call(ice);
  };

  ice.send = async (data) => {
    if (ice.nominated || !former || ice.state === 'closed') return send(data);
    const { pair } = former;
    await pair.protocol.sendData(data, pair.remoteAddr);
    pair.packetsSent++;
    pair.bytesSent += data.length;
  };

  insides.ensureProtocol = (protocol) => {
    ensureProtocol.call(ice, protocol);
    if (protocol instanceof werift.StunOverTurnProtocol) {
      protocol.turn.onData.subscribe((data, from) => cameFrom(protocol, from, data));
    } else if (protocol instanceof werift.StunProtocol) {
      const socket = protocol as unknown as Receiver;
      const { datagramReceived } = socket;
      socket.datagramReceived = (data, from) => {
        cameFrom(protocol, from, data);
        datagramReceived.call(protocol, data, from);
      };
    }
  };

  ice.checkIncoming = (request, from, protocol) => {
    // The other end goes on asking over the old pair, by the old name; that says nothing about new ones.
    const [name] = String(request.getAttributeValue('USERNAME')).split(':');
    if (name === ice.localUsername) checkIncoming.call(ice, request, from, protocol);
  };

  function inUse(): Path | null {
    if (!ice.nominated) return former;
    const { nominated, localUsername, remoteUsername, remotePassword } = ice;
    return {
      pair: nominated,
      names: { localUsername, remoteUsername },
      password: Buffer.from(remotePassword, 'utf8'),
    };
  }

  function cameFrom(protocol: werift.Protocol, from: werift.Address, data: Buffer): void {
    const path = inUse();
    if (!path) return;
    const now = performance.now();
    if (leadsTo(path.pair, protocol, from)) heardAt = now;
    else if (!isStun(data) && now - heardAt > FRESH_MS) void follow(path, protocol, from, now);
  }

  /** Data comes from elsewhere. Anyone can send some, so it is asked who is there. */
  async function follow(
    path: Path,
    protocol: werift.Protocol,
    from: werift.Address,
    now: number,
  ): Promise<void> {
    const name = from.join(' ');
    if (now - (checkedAt.get(name) ?? Number.NEGATIVE_INFINITY) < CHECK_INTERVAL_MS) return;
    // Whoever sends from a thousand addresses shall not have them remembered.
    if (checkedAt.size > 100) checkedAt.clear();
    checkedAt.set(name, now);
    const pair = pairTo(protocol, from);
    if (!(await isThere({ ...path, pair })) || ice.state === 'closed') return;
    if (performance.now() - heardAt <= FRESH_MS) return;
    if (former && !ice.nominated) {
      former = { ...former, pair };
    } else if (ice.nominated === path.pair) {
      pair.nominated = true;
      pair.updateState(werift.CandidatePairState.SUCCEEDED);
      if (!ice.checkList.includes(pair)) ice.checkList.push(pair);
      ice.nominated = pair;
      insides.queryConsent();
      onMoved();
    }
  }

  function pairTo(protocol: werift.Protocol, [host, port]: werift.Address): Pair {
    const known = ice.checkList.find((pair) => leadsTo(pair, protocol, [host, port]));
    if (known) return known;
    const foundation = werift.candidateFoundation('prflx', 'udp', host);
    const priority = werift.candidatePriority('prflx', { transport: 'udp' });
    const remote = new werift.Candidate(foundation, 1, 'udp', priority, host, port, 'prflx');
    return new werift.CandidatePair(protocol, remote, ice.iceControlling);
  }

  /** A check with the names that both know (RFC 8445, section 7.2.2), which also nominates. */
  async function isThere({ pair, names, password }: Path): Promise<boolean> {
    const { localCandidate } = pair.protocol;
    const { iceControlling } = ice;
    const request = insides.buildRequest({ nominate: true, ...names, iceControlling, localCandidate });
    const settings = { retransmissions: RETRANSMISSIONS };
    return pair.protocol.request(request, pair.remoteAddr, password, settings).then(
      () => true,
      () => false,
    );
  }

  return {
    probe() {
      const path = inUse();
      if (path && ice.state !== 'closed') void isThere(path);
    },
  };
}

const leadsTo = ({ protocol, remoteAddr }: Pair, over: werift.Protocol, [host, port]: werift.Address) =>
  protocol === over && remoteAddr[0] === host && remoteAddr[1] === port;

/** RFC 7983: what begins with 0 to 3 is STUN. */
const isStun = (data: Buffer): boolean => (data[0] ?? 0) < 4;
