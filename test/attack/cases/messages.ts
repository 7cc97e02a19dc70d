/** A right message on every topic of the protocol, by who says it. */
import { type Body, buildMessage } from '../../../shared/messages.ts';
import { createTopics, type TopicKind } from '../../../shared/topics.ts';

const NOW = 1_800_000_000_000;
const SESSION = '0mq5h2k9a-x7f2';
export const SDP =
  'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 00:11\r\na=setup:active\r\na=mid:0\r\n';
const CANDIDATE = 'candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host';

const message = <Kind extends TopicKind>(kind: Kind, body: Body<Kind>): object =>
  JSON.parse(buildMessage(kind, body, NOW));

export function right(
  room: string,
  operator: string,
): Record<'operator' | 'vehicle', Record<string, object>> {
  const topics = createTopics();
  const epoch = NOW;
  const since = NOW;
  const candidates = [{ candidate: CANDIDATE, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'abcd' }];
  const sessions = [{ peer: operator, session: SESSION, phase: 'connected' as const }];
  return {
    operator: {
      [topics.presence(room, operator)]: message('presence', {
        state: 'online',
        role: 'operator',
        epoch,
        since,
        name: 'Fuzz',
      }),
      [topics.sdp(room, operator, room)]: message('sdp', {
        session: SESSION,
        seq: 1,
        type: 'answer',
        sdp: SDP,
      }),
      [topics.ice(room, operator, room)]: message('ice', { session: SESSION, candidates, done: false }),
      [topics.bye(room, operator, room)]: message('bye', { session: SESSION, reason: 'left', detail: 'x' }),
      [topics.report(room, operator, room)]: {
        v: 1,
        ts: NOW,
        session: SESSION,
        gathered: [],
        servers: [],
        states: [],
      },
      [topics.estop(room)]: message('estop', { from: operator, reason: 'fuzz' }),
    },
    vehicle: {
      [topics.presence(room, room)]: message('presence', { state: 'online', role: 'vehicle', epoch, since }),
      [topics.offer(room)]: message('offer', { from: room, epoch, phase: 'connected', sessions }),
      [topics.telemetry(room)]: message('telemetry', { values: { 'Vehicle.Speed': 12.3 } }),
      [topics.lease(room)]: message('lease', { holder: operator, since }),
      [topics.safety(room)]: message('safety', { state: 'ready', since }),
      [topics.link(room, operator)]: message('link', {
        session: SESSION,
        path: 'relay',
        protocol: 'udp',
        rttMs: 20,
        lossPct: 0,
        kbps: 1_000,
        relayBytes: 1_000,
      }),
      [topics.sdp(room, room, operator)]: message('sdp', {
        session: SESSION,
        seq: 1,
        type: 'offer',
        sdp: SDP,
      }),
      [topics.ice(room, room, operator)]: message('ice', { session: SESSION, candidates, done: true }),
      [topics.bye(room, room, operator)]: message('bye', { reason: 'full' }),
    },
  };
}
