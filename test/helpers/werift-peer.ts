/** An operator's peer for tests without a browser: werift as the answerer, which counts the video it gets. */
import * as werift from 'werift';
import { CHANNELS, type ChannelName } from '../../shared/channels.ts';
import type { CreatePeer } from '../../shared/peer.ts';
import { NOTHING_REPORTED } from '../../shared/report.ts';

export interface Received {
  /** RTP packets of video. */
  packets: number;
  /** NAL unit types that were seen (RFC 6184, single and FU-A). */
  nalTypes: Set<number>;
  /** Is told of each picture's first packet that has some of it, and whether it is of a key frame. */
  onPicture?(timestamp: number, key: boolean): void;
}

/** NAL unit types (RFC 6184, section 5.2): a slice of a key picture, and a fragment of any. */
const KEY_PICTURE = 5;
const FRAGMENT = 28;

/**
 * The video goes into `received`. It reports the states of its ICE transport, and nothing else.
 * @param onConnection for who wants to say what no operator says
 */
export function weriftOperator(
  received: Received,
  onConnection?: (connection: werift.RTCPeerConnection) => void,
): CreatePeer {
  return (handlers) => {
    const connection = new werift.RTCPeerConnection({
      bundlePolicy: 'max-bundle',
      codecs: { video: [werift.useH264()] },
      headerExtensions: { video: [werift.useSdesMid(), werift.useAbsSendTime()] },
    });
    onConnection?.(connection);
    let closed = false;
    let timestamp = -1;
    let report = NOTHING_REPORTED;
    const channels = {
      control: connection.createDataChannel('control', { ...CHANNELS.control, negotiated: true }),
      events: connection.createDataChannel('events', { ...CHANNELS.events, negotiated: true }),
    };
    const names = Object.keys(channels) as ChannelName[];
    for (const name of names) {
      channels[name].onMessage.subscribe((data) => handlers.message(name, String(data)));
      channels[name].stateChanged.subscribe((state) => {
        if (closed) return;
        if (state === 'closed') handlers.failed('the other end closed the connection');
        if (state === 'open' && names.every((each) => channels[each].readyState === 'open')) handlers.open();
      });
    }
    connection.iceConnectionStateChange.subscribe((state) => {
      if (closed) return;
      report = { ...report, states: [...report.states, { at: Date.now(), of: 'ice', state }] };
      handlers.report?.(report);
    });
    connection.onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe(({ header, payload }) => {
        received.packets++;
        const type = (payload[0] ?? 0) & 31;
        const whole = type === FRAGMENT ? (payload[1] ?? 0) & 31 : type;
        received.nalTypes.add(whole);
        // What comes before the first slice says nothing of the picture: SPS, PPS, SEI.
        if (whole > KEY_PICTURE || header.timestamp === timestamp) return;
        timestamp = header.timestamp;
        received.onPicture?.(timestamp, whole === KEY_PICTURE);
      });
    });
    connection.onIceCandidate.subscribe((candidate) => {
      if (!closed) handlers.candidate(candidate?.candidate ? { ...candidate.toJSON() } : null);
    });
    return {
      createOffer: () => Promise.reject(new Error('the operator is always the answerer')),
      async acceptOffer(sdp) {
        await connection.setRemoteDescription({ type: 'offer', sdp });
        const answer = await connection.createAnswer();
        void connection.setLocalDescription(answer);
        return answer.sdp;
      },
      acceptAnswer: () => Promise.reject(new Error('the operator is always the answerer')),
      addCandidate: (candidate) =>
        connection.addIceCandidate((candidate ?? undefined) as werift.RTCIceCandidateInit).catch(() => {}),
      send(name, text) {
        if (closed || channels[name].readyState !== 'open') return false;
        channels[name].send(text);
        return true;
      },
      stats: () => Promise.resolve(null),
      close() {
        closed = true;
        void connection.close();
      },
    };
  };
}
