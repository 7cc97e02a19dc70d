/**
 * A browser's RTCPeerConnection as the peer of a session, for both roles: an operator answers and
 * receives video (web/console), a phone that is the vehicle offers and sends it (web/vehicle).
 */
import { CHANNELS, type ChannelName } from '../shared/channels.ts';
import type { CreatePeer, PathStats, Peer } from '../shared/peer.ts';

type Kind = 'host' | 'srflx' | 'prflx' | 'relay';

/** What a connection attempt has to work with: the kinds of addresses that each end has found so far. */
export interface Attempt {
  here: Kind[];
  there: Kind[];
  /** A TURN server is configured. */
  relayPossible: boolean;
}

export interface BrowserPeerOptions {
  iceServers(): RTCIceServer[];
  /** Adds what this end sends, or listens for what it receives. Returns the undo. */
  attach(connection: RTCPeerConnection): () => void;
  onAttempt?(attempt: Attempt): void;
}

/** More than so much of `control` waiting, in bytes, would come late: it is not sent at all. */
const MAX_WAITING = 1_000;
const CHANNEL_NAMES = Object.keys(CHANNELS) as ChannelName[];

export function createBrowserPeer(options: BrowserPeerOptions): CreatePeer {
  return (handlers): Peer => {
    let iceServers = options.iceServers();
    const connection = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    const channels = new Map<ChannelName, RTCDataChannel>();
    let attempt: Attempt = { here: [], there: [], relayPossible: iceServers.some(isTurn) };
    let over = false;

    for (const name of CHANNEL_NAMES) {
      const channel = connection.createDataChannel(name, { negotiated: true, ...CHANNELS[name] });
      channels.set(name, channel);
      channel.onopen = () => {
        if ([...channels.values()].every(({ readyState }) => readyState === 'open')) handlers.open();
      };
      channel.onclose = () => lose('the other end has closed the connection');
      channel.onmessage = ({ data }) => {
        if (typeof data === 'string') handlers.message(name, data);
      };
    }
    const detach = options.attach(connection);

    connection.onicecandidate = ({ candidate }) => {
      // An empty one ends the candidates of one generation; null, which follows, ends them all.
      if (candidate?.candidate === '') return;
      if (candidate) found('here', candidate.candidate);
      handlers.candidate(candidate ? (candidate.toJSON() as { candidate: string }) : null);
    };
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === 'failed') lose(whyFailed(attempt));
    };

    function lose(detail: string): void {
      if (!over) handlers.failed(detail);
    }

    function found(end: 'here' | 'there', candidate: string): void {
      const kind = / typ (host|srflx|prflx|relay)\b/.exec(candidate)?.[1] as Kind | undefined;
      if (!kind || attempt[end].includes(kind)) return;
      attempt = { ...attempt, [end]: [...attempt[end], kind] };
      options.onAttempt?.(attempt);
    }

    /** Credentials may have expired since the connection was made; renewed ones count from the next description on. */
    function renewIceServers(): void {
      const renewed = options.iceServers();
      if (renewed === iceServers) return;
      iceServers = renewed;
      attempt = { ...attempt, relayPossible: iceServers.some(isTurn) };
      connection.setConfiguration({ iceServers, bundlePolicy: 'max-bundle' });
    }

    /** The description is on its way to the other end while this browser takes it: that saves 20 ms. */
    function take(description: RTCSessionDescriptionInit): string {
      connection
        .setLocalDescription(description)
        .catch((error) => lose(`this browser can't use its own description: ${error.message}`));
      return description.sdp ?? '';
    }

    return {
      async createOffer(restart) {
        renewIceServers();
        return take(await connection.createOffer({ iceRestart: restart }));
      },
      async acceptOffer(sdp) {
        renewIceServers();
        await connection.setRemoteDescription({ type: 'offer', sdp });
        return take(await connection.createAnswer());
      },
      acceptAnswer: (sdp) => connection.setRemoteDescription({ type: 'answer', sdp }),
      async addCandidate(candidate) {
        if (candidate) found('there', candidate.candidate);
        // One that this browser can't use is no reason to fail: others may do.
        await connection
          .addIceCandidate((candidate as RTCIceCandidateInit | null) ?? undefined)
          .catch(() => {});
      },
      send(name, text) {
        const channel = channels.get(name);
        if (channel?.readyState !== 'open') return false;
        if (name === 'control' && channel.bufferedAmount > MAX_WAITING) return false;
        channel.send(text);
        return true;
      },
      stats: async () => pathOf(await connection.getStats()),
      close() {
        over = true;
        detach();
        connection.close();
      },
    };
  };
}

/** Browsers load what WebRTC needs with the first connection that is made; made in advance, nobody waits. */
export function warmUp(): void {
  new RTCPeerConnection().close();
}

const isTurn = ({ urls }: RTCIceServer) => [urls].flat().some((url) => /^turns?:/i.test(url));

/** In words that tell an owner what to change. */
export function whyFailed({ here, there, relayPossible }: Attempt): string {
  const kinds = (all: Kind[]) => (all.length > 0 ? all.join(', ') : 'none');
  const relay = relayPossible ? '' : '; no relay (TURN server) is configured';
  return `no path works between the two (addresses here: ${kinds(here)}; there: ${kinds(there)}${relay})`;
}

/** As far as they are used here; https://www.w3.org/TR/webrtc-stats/ */
interface Stat {
  type: string;
  [field: string]: unknown;
}

function pathOf(report: RTCStatsReport): PathStats | null {
  const all = [...(report as unknown as Map<string, Stat>).values()];
  const get = (id: unknown) => all.find((stat) => stat.id === id);
  const transport = all.find(({ type }) => type === 'transport');
  const pair = transport
    ? get(transport.selectedCandidatePairId)
    : // Firefox has no transport stats.
      all.find((stat) => stat.type === 'candidate-pair' && stat.nominated && stat.state === 'succeeded');
  const local = get(pair?.localCandidateId);
  if (!pair || !local) return null;
  const stats: PathStats = {
    path: local.candidateType as PathStats['path'],
    protocol: local.protocol as PathStats['protocol'],
    bytesSent: Number(pair.bytesSent ?? 0),
    bytesReceived: Number(pair.bytesReceived ?? 0),
  };
  if (typeof local.relayProtocol === 'string') {
    stats.relayProtocol = local.relayProtocol as NonNullable<PathStats['relayProtocol']>;
  }
  if (typeof pair.currentRoundTripTime === 'number') stats.rttMs = pair.currentRoundTripTime * 1000;
  const remote = all.find(({ type }) => type === 'remote-inbound-rtp');
  if (typeof remote?.fractionLost === 'number') stats.lossPct = remote.fractionLost * 100;
  return stats;
}
