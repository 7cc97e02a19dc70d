/** The vehicle's video as it is offered (RFC 8829), and what an answer takes of it. Pure. */
import { randomInt, randomUUID } from 'node:crypto';

/** Reports when they are asked for. */
export const REPORTS_ON_REQUEST = 'http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02';
export const REPORTS = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
export const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
export const SEND_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time';
export const PLAYOUT_DELAY = 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay';
export const CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
/** Those of one byte (RFC 8285, section 4.2) have no others. */
const LAST_EXTENSION_ID = 14;

export const OFFERED_VIDEO = {
  mid: '0',
  payloadType: 96,
  rtxPayloadType: 97,
  clockRate: 90_000,
  /** Constrained baseline. */
  profile: 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1',
  /** Their ids are 1, 2 …; a receiver that knows reports on request uses those. */
  extensions: [MID, REPORTS_ON_REQUEST, REPORTS, SEND_TIME, PLAYOUT_DELAY, CAPTURE_TIME],
};

/** By which a session's packets are known. */
export interface VideoIds {
  ssrc: number;
  rtxSsrc: number;
  cname: string;
}

export function newVideoIds(): VideoIds {
  const ssrc = randomInt(1, 2 ** 31);
  return { ssrc, rtxSsrc: ssrc + 1, cname: randomUUID() };
}

export interface AnsweredVideo {
  /** What is lost may be sent again as RTX (RFC 4588). */
  rtx: boolean;
  /** Ids of header extensions, by URI. */
  extensions: Map<string, number>;
}

/** What the section of the video says; null where the video was refused. */
export function answeredVideo(sdp: string): AnsweredVideo | null {
  const section = sdp.split(/^(?=m=)/m).find((part) => part.startsWith('m=video'));
  const [, port, formats = ''] = section?.match(/^m=video (\d+)(?:\/\d+)? \S+ (.*)/) ?? [];
  const types = formats.trim().split(' ').map(Number);
  if (!section || port === '0' || !types.includes(OFFERED_VIDEO.payloadType)) return null;
  const extensions = [...section.matchAll(/^a=extmap:(\d+)(?:\/\w+)? (\S+)/gm)]
    .map(([, id, uri = '']) => [uri, Number(id)] as const)
    .filter(([uri, id]) => OFFERED_VIDEO.extensions.includes(uri) && id >= 1 && id <= LAST_EXTENSION_ID);
  return { rtx: types.includes(OFFERED_VIDEO.rtxPayloadType), extensions: new Map(extensions) };
}
