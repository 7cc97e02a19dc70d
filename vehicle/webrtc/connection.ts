/**
 * One connection of node-datachannel (libdatachannel: libjuice, OpenSSL, libsrtp, usrsctp). Nothing else here
 * knows that library. What is known of it:
 *
 * - its callbacks come from its threads through queues, some after `close`: none is passed on then;
 * - an error that is thrown in a callback would end the process: it ends the connection here;
 * - a connection, track or channel without a handler for its end keeps the process from exiting for ever;
 * - what its description of the other end has of candidates, names among them, it would use without asking.
 */
import * as datachannel from 'node-datachannel';
import { CHANNELS, type ChannelName } from '../../shared/channels.ts';
import { OFFERED_VIDEO as VIDEO, type VideoIds } from './offered-video.ts';
import type { Address } from './stun.ts';

/** Largest message that the other end may send, bytes: 4,096 characters, as the protocol says, in UTF-8. */
const MOST_MESSAGE_BYTES = 16_384;
/** Largest packet without UDP and IP: what IPv6 promises, less those and a TURN channel, RFC 8831, section 5. */
const MTU = 1280;

export interface ConnectionEvents {
  /** A `host` or `srflx` candidate of this end, as in an `a=candidate` line. */
  candidate(line: string): void;
  /** There are no more of those. */
  gathered(): void;
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

/** The end of a path. */
export interface PathEnd {
  type: string;
  address: string;
  port: number;
}

export type Connection = ReturnType<typeof openConnection>;

/** So that the first connection does not wait for the libraries. */
export function preload(): void {
  datachannel.preload();
}

/** @param stun server that is asked for this end's address, never by a name: looking it up would block a thread */
export function openConnection(stun: Address | null, ids: VideoIds, events: ConnectionEvents) {
  let closed = false;
  const peer = new datachannel.PeerConnection('vehicle', {
    iceServers: stun ? [{ hostname: stun[0], port: stun[1] }] : [],
    disableAutoNegotiation: true,
    maxMessageSize: MOST_MESSAGE_BYTES,
    mtu: MTU,
  });
  const track = peer.addTrack(describeVideo(ids));
  const channels = { control: openChannel('control'), events: openChannel('events') };

  peer.onLocalCandidate(guarded((line) => events.candidate(asChromium(line))));
  peer.onGatheringStateChange(guarded((state) => state === 'complete' && events.gathered()));
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

  return {
    /** The local description, the same every time; addresses are gathered from the first time on. */
    offer(): string {
      if (!peer.localDescription()) peer.setLocalDescription('offer');
      return withoutCandidates(peer.localDescription()?.sdp ?? '');
    },
    /** @throws when it can't be used */
    accept(answer: string): void {
      peer.setRemoteDescription(withoutCandidates(answer), 'answer');
    },
    /** @param line has an IP address, never a name */
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
    path(): { local: PathEnd; remote: PathEnd } | null {
      return closed ? null : peer.getSelectedCandidatePair();
    },
    /** Of SCTP, ms; what is sent without being acknowledged there has none. */
    roundTrip(): number | undefined {
      const ms = closed ? 0 : peer.rtt();
      return ms > 0 ? ms : undefined;
    },
    /** Of SCTP, bytes. */
    dataBytes: () => (closed ? null : { sent: peer.bytesSent(), received: peer.bytesReceived() }),
    close(): void {
      if (closed) return;
      closed = true;
      peer.close();
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

/** Over a TURN server that it reaches by TCP, Chromium connects to nothing but `udp`, in small letters. */
const asChromium = (line: string): string => line.replace(/^a=/, '').replace(' UDP ', ' udp ');

const withoutCandidates = (sdp: string): string =>
  sdp.replace(/^a=(candidate|remote-candidates|end-of-candidates)\b.*\r?\n/gm, '');
