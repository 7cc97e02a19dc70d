/**
 * What a session needs of a WebRTC stack. There are two: a browser's RTCPeerConnection
 * (web/peer.ts) and libdatachannel (vehicle/webrtc/).
 */
import type { ChannelName } from './channels.ts';
import type { Candidate, Link, Reduced } from './messages.ts';
import type { PeerReport } from './report.ts';

export interface Peer {
  /**
   * Makes the local description and resolves with it at once, without waiting for candidates.
   * @param restart new ICE credentials, over whatever path there is now (RFC 8445 section 9)
   */
  createOffer(restart: boolean): Promise<string>;
  /** Takes an offer and resolves with the answer. Rejects when the SDP can't be used. */
  acceptOffer(sdp: string): Promise<string>;
  acceptAnswer(sdp: string): Promise<void>;
  /** Adds one of the other's candidates; null says that there are no more. Never rejects. */
  addCandidate(candidate: Candidate | null): Promise<void>;
  /** Sends on a data channel; false when it isn't open, or on `control` when that is backed up. */
  send(channel: ChannelName, text: string): boolean;
  /** Asks at the other end's address, over the path in use, whether it can be reached from here. */
  probe?(): void;
  /**
   * The addresses that this connection uses are not this machine's any more, and it will not learn of others
   * soon: a restart is of no use now, another connection would be. As the last `probe` has found.
   */
  stranded?(): boolean;
  /** Something is heard again after a silence: the other end can be shown something new. */
  resumed?(): void;
  /** The selected path and its figures; null while there is none. */
  stats(): Promise<PathStats | null>;
  close(): void;
}

export interface PeerHandlers {
  /** One of this end's candidates; null after the last. */
  candidate(candidate: Candidate | null): void;
  /** Both data channels are open. */
  open(): void;
  /** The other end has closed it. */
  closed?(): void;
  /** It is over. That nothing is heard for a while is the session's business, not this. */
  failed(detail: string): void;
  message(channel: ChannelName, text: string): void;
  /** What this end knows of the network has changed; the whole of it, as it is now. */
  report?(report: PeerReport): void;
}

export type CreatePeer = (handlers: PeerHandlers) => Peer;

/** The figures of a path; what a stack doesn't know is left out. */
export interface PathStats {
  path: Link['path'];
  protocol: Link['protocol'];
  relayProtocol?: Link['relayProtocol'];
  /** How the other end reaches its TURN server, as far as it has said so. */
  otherRelayProtocol?: Link['relayProtocol'];
  rttMs?: number;
  /** Bytes of video and data sent and received since the session began. */
  bytesSent: number;
  bytesReceived: number;
  /** Bytes over relays since the session began; what counts is in relay-count.ts. */
  relayBytes: number;
  /** Packets that the other end reported lost in the last report, percent. */
  lossPct?: number;
  /** What the video is reduced to. */
  reduced?: Reduced;
}
