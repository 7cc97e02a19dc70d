/** What ends report of the network, put together in few words, for the tests of what is said of it. */
import {
  type Gathered,
  NOTHING_REPORTED,
  type PeerReport,
  type ServerAnswer,
  type StateChange,
} from '../../shared/report.ts';
import { type Evidence, verdict } from '../../shared/verdict.ts';

export const UDP = 'turn:turn.example.com:3478?transport=udp';
export const TCP = 'turn:turn.example.com:3478?transport=tcp';
export const TLS = 'turns:turn.example.com:443?transport=tcp';
export const STUN = 'stun:turn.example.com:3478';

export const at = (type: Gathered['type'], more: Partial<Gathered> = {}): Gathered => ({
  type,
  protocol: 'udp',
  family: 'IPv4',
  ...more,
});
export const relay = (relayProtocol: 'udp' | 'tcp' | 'tls') => at('relay', { relayProtocol });
export const hidden = at('host', { family: 'mDNS' });

export const ok = (url: string): ServerAnswer => ({ url, answer: 'ok', ms: 20 });
export const refused = (url: string, code = 401): ServerAnswer => ({ url, answer: 'refused', code });
export const silent = (url: string): ServerAnswer => ({
  url,
  answer: 'unreachable',
  detail: 'no answer for 5 s',
});
export const waiting = (url: string): ServerAnswer => ({ url, answer: 'waiting' });
export const unknown = (url: string): ServerAnswer => ({ url, answer: 'unknown' });

export const states = (...all: `${StateChange['of']} ${string}`[]): StateChange[] =>
  all.map((text, at) => ({
    at,
    of: text.split(' ')[0] as StateChange['of'],
    state: text.split(' ')[1] ?? '',
  }));

export const report = (
  gathered: Gathered[],
  servers: ServerAnswer[] = [],
  more: Partial<PeerReport> = {},
) => ({
  ...NOTHING_REPORTED,
  gathered,
  servers,
  ...more,
});
export const pair = (local: Gathered, remote: Gathered) => ({ pair: { local, remote } });

export function say(
  phase: Evidence['phase'],
  vehicle: PeerReport | null,
  operator: PeerReport | null,
  reader: Evidence['reader'] = 'operator',
) {
  return verdict({ vehicle, operator, phase, reader });
}
export const failed = (
  ...[vehicle, operator, reader]: [PeerReport | null, PeerReport | null, Evidence['reader']?]
) => say('failed', vehicle, operator, reader);

export const host = [at('host')];
export const natted = [at('host'), at('srflx')];
