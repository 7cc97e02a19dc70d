/**
 * A browser's RTCPeerConnection as the peer of a session, for both roles: an operator answers and
 * receives video (web/console), a phone that is the vehicle offers and sends it (web/vehicle).
 */
import { CHANNELS, type ChannelName } from '../shared/channels.ts';
import type { CreatePeer, Peer } from '../shared/peer.ts';
import { createAddressCheck, freshWindow } from './peer/fresh-window.ts';
import { watchConnection } from './peer/report.ts';
import { withWantedExtensions } from './peer/wanted-extensions.ts';

export interface BrowserPeerOptions {
  /** Resolves when `iceServers` has what there is. */
  ready?: Promise<void>;
  iceServers(): RTCIceServer[];
  /** Adds what this end sends, or listens for what it receives. Returns the undo. */
  attach(connection: RTCPeerConnection): () => void;
  /** What is wrong with the ICE servers, each a sentence. */
  notes?(): string[];
}

/** More than so much of `control` waiting, in bytes, would come late: it is not sent at all. */
const MAX_WAITING = 1_000;
const CHANNEL_NAMES = Object.keys(CHANNELS) as ChannelName[];

export function createBrowserPeer(options: BrowserPeerOptions): CreatePeer {
  const addresses = createAddressCheck();
  return (handlers): Peer => {
    let iceServers = options.iceServers();
    const own = addresses.stranded() ? freshWindow() : null;
    const { RTCPeerConnection } = own ?? window;
    const connection = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    const channels = new Map<ChannelName, RTCDataChannel>();
    let over = false;
    /** The other's description; candidates that come before it has been taken wait for it. */
    let taken = Promise.resolve();

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
    const watch = watchConnection(connection, [...channels.values()], {
      iceServers: () => iceServers,
      notes: options.notes ?? (() => []),
      tell: (report) => handlers.report?.(report),
    });

    connection.onicecandidate = ({ candidate }) => {
      // An empty one ends the candidates of one generation; null, which follows, ends them all.
      if (candidate?.candidate === '') return;
      if (candidate?.protocol === 'udp') addresses.known();
      handlers.candidate(candidate ? (candidate.toJSON() as { candidate: string }) : null);
    };
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === 'failed') lose(whatFailed(connection));
    };

    function lose(detail: string): void {
      if (over) return;
      watch.look();
      handlers.failed(detail);
    }

    /** Credentials may have expired since the connection was made; renewed ones count from the next description on. */
    function renewIceServers(): void {
      const renewed = options.iceServers();
      if (renewed === iceServers) return;
      iceServers = renewed;
      connection.setConfiguration({ iceServers, bundlePolicy: 'max-bundle' });
    }

    async function takeOffer(sdp: string): Promise<void> {
      await options.ready;
      renewIceServers();
      await connection.setRemoteDescription({ type: 'offer', sdp });
    }

    /**
     * The description is on its way to the other end while this browser takes it: that saves 20 ms.
     * @param instead what it takes should it refuse the first one; the other end can live with either
     */
    function take(description: RTCSessionDescriptionInit, instead = description): string {
      connection
        .setLocalDescription(description)
        .catch(() => connection.setLocalDescription(instead))
        .catch((error) => lose(`this browser can't use its own description: ${error.message}`));
      return description.sdp ?? '';
    }

    return {
      async createOffer() {
        return take(await connection.createOffer());
      },
      async acceptOffer(sdp) {
        taken = takeOffer(sdp);
        await taken;
        const answer = await connection.createAnswer();
        return take({ type: 'answer', sdp: withWantedExtensions(sdp, answer.sdp ?? '') }, answer);
      },
      acceptAnswer(sdp) {
        taken = connection.setRemoteDescription({ type: 'answer', sdp });
        return taken;
      },
      async addCandidate(candidate) {
        await taken.catch(() => {});
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
      probe: addresses.ask,
      stats: watch.read,
      close() {
        over = true;
        watch.close();
        detach();
        connection.close();
        own?.close();
      },
    };
  };
}

/** Browsers load what WebRTC needs with the first connection that is made; made in advance, nobody waits. */
export function warmUp(): void {
  new RTCPeerConnection().close();
}

/**
 * In a clause; shared/verdict.ts says why. Chromium has not set the ICE state to failed yet when the
 * connection's is.
 */
const whatFailed = ({ iceConnectionState }: RTCPeerConnection) =>
  iceConnectionState === 'connected' || iceConnectionState === 'completed'
    ? 'the encryption between the two (DTLS) has failed'
    : 'no network path works between the two';
