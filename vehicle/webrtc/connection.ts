/**
 * One connection of node-datachannel (libdatachannel: libjuice, OpenSSL, libsrtp, usrsctp). Nothing else here
 * knows that library. What is known of it:
 *
 * - its callbacks come from its threads through queues, some after `close`: none is passed on then;
 * - an error that is thrown in a callback would end the process: it ends the connection here;
 * - a connection, track or channel that has no handler for its end, or is not closed itself, keeps the process
 *   from exiting for ever;
 * - what its description of the other end has of candidates, names among them, it would use without asking.
 */
import * as datachannel from 'node-datachannel';
import { CHANNELS, type ChannelName } from '../../shared/channels.ts';
import { OFFERED_VIDEO as VIDEO, type VideoIds } from './offered-video.ts';

/** Largest message that the other end may send, bytes: 4,096 characters, as the protocol says, in UTF-8. */
const MOST_MESSAGE_BYTES = 16_384;
/** Largest packet without UDP and IP: what IPv6 promises, less those and a TURN channel, RFC 8831, section 5. */
const MTU = 1280;

/** After the end of a connection nothing comes from its threads any more, ms. */
const RELEASE_MS = 1_000;

export interface ConnectionEvents {
  /** As RTCIceTransportState. */
  ice(state: string): void;
  /** The other end has proved that it has the certificate of its description: media can be sent. */
  secured(): void;
  /** Media or its feedback; only RTCP is ever sent to a vehicle. */
  media(packet: Buffer): void;
  message(channel: ChannelName, text: string): void;
  channel(channel: ChannelName, state: 'open' | 'closed'): void;
  failed(error?: unknown): void;
}

export type Connection = ReturnType<typeof openConnection>;

/** So that the first connection does not wait for the libraries. */
export function preload(): void {
  datachannel.preload();
}

/** It listens on loopback alone; bridges.ts leads there. */
export function openConnection(ids: VideoIds, events: ConnectionEvents) {
  let closed = false;
  const peer = new datachannel.PeerConnection('vehicle', {
    iceServers: [],
    bindAddress: '127.0.0.1',
    // A description is made when an operator is there, not as soon as there is a channel.
    disableAutoNegotiation: true,
    maxMessageSize: MOST_MESSAGE_BYTES,
    mtu: MTU,
  });
  const track = peer.addTrack(describeVideo(ids));
  const channels = { control: openChannel('control'), events: openChannel('events') };

  peer.onIceStateChange(guarded((state) => events.ice(state)));
  peer.onStateChange(guarded((state) => state === 'failed' && events.failed()));
  track.onOpen(guarded(() => events.secured()));
  track.onMessage(guarded((packet) => events.media(packet)));
  track.onClosed(() => {});

  /** The handler, as long as the connection is open. */
  function guarded<A extends unknown[]>(handler: (...args: A) => unknown): (...args: A) => void {
    return (...args) => {
      if (closed) return;
      try {
        handler(...args);
      } catch (error) {
        events.failed(error);
      }
    };
  }

  function openChannel(name: ChannelName): datachannel.DataChannel {
    const { id, ordered } = CHANNELS[name];
    const unreliable = name === 'control' ? { maxRetransmits: CHANNELS.control.maxRetransmits } : {};
    const channel = peer.createDataChannel(name, {
      negotiated: true,
      id,
      unordered: !ordered,
      ...unreliable,
    });
    channel.onOpen(guarded(() => events.channel(name, 'open')));
    channel.onClosed(guarded(() => events.channel(name, 'closed')));
    channel.onError(guarded(() => {}));
    channel.onMessage(guarded((data) => typeof data === 'string' && events.message(name, data)));
    return channel;
  }

  peer.setLocalDescription('offer');
  const description = peer.localDescription()?.sdp ?? '';
  return {
    offer: withoutCandidates(description),
    /** Where it listens. */
    port: Number(description.match(/^a=candidate:\S+ \d+ UDP \d+ \S+ (\d+)/m)?.[1]),
    /** @throws when it can't be used */
    accept(answer: string): void {
      peer.setRemoteDescription(withoutCandidates(answer), 'answer');
    },
    /** @param line with an address on loopback */
    addCandidate(line: string): void {
      try {
        peer.addRemoteCandidate(line, VIDEO.mid);
      } catch {
        // One that can't be used costs nothing but itself.
      }
    },
    isOpen: (name: ChannelName): boolean => !closed && channels[name].isOpen(),
    /** What has not been handed to the network yet, bytes. */
    waiting: (name: ChannelName): number => channels[name].bufferedAmount(),
    send(name: ChannelName, text: string): boolean {
      try {
        channels[name].sendMessage(text);
        return true;
      } catch {
        // It has closed meanwhile.
        return false;
      }
    },
    /** RTP or RTCP. */
    sendMedia(packet: Buffer): void {
      if (closed) return;
      try {
        track.sendMessageBinary(packet);
      } catch {
        // Not open any more, or there is no path.
      }
    },
    /** The remote port of the path in use. */
    remotePort: (): number | null => (closed ? null : (peer.getSelectedCandidatePair()?.remote.port ?? null)),
    /** Of SCTP, ms; what is sent without being acknowledged there has none. */
    roundTrip(): number | undefined {
      const ms = closed ? 0 : peer.rtt();
      return ms > 0 ? ms : undefined;
    },
    close(): void {
      if (closed) return;
      closed = true;
      peer.close();
      // Their handlers are freed then, and not while one of the library's threads may be about to call one.
      setTimeout(() => {
        for (const each of [track, ...Object.values(channels)]) each.close();
      }, RELEASE_MS);
    },
  };
}

function describeVideo({ ssrc, rtxSsrc, cname }: VideoIds): datachannel.Video {
  const video = new datachannel.Video(VIDEO.mid, 'SendOnly');
  video.addH264Codec(VIDEO.payloadType, VIDEO.profile);
  video.addRTXCodec(VIDEO.rtxPayloadType, VIDEO.payloadType, VIDEO.clockRate);
  video.addSSRC(ssrc, cname);
  video.addSSRC(rtxSsrc, cname);
  video.parseSdpLine(`a=ssrc-group:FID ${ssrc} ${rtxSsrc}`);
  video.parseSdpLine(`a=rtcp-fb:${VIDEO.payloadType} transport-cc`);
  for (const [index, uri] of VIDEO.extensions.entries()) video.parseSdpLine(`a=extmap:${index + 1} ${uri}`);
  return video;
}

/** Those of libjuice are nobody's business, and those of the other end are judged first (candidates.ts). */
const withoutCandidates = (sdp: string): string =>
  sdp.replace(/^a=(candidate|remote-candidates|end-of-candidates)\b.*\r?\n/gm, '');
