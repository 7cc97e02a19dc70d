/** The STUN and TURN servers of a list, a target for each URL (RFC 7064, RFC 7065). Pure. */
import type { IceServer } from '../../shared/server-api.ts';

export type TurnTransport = 'udp' | 'tcp' | 'tls';

export interface Target {
  /** As it was configured. */
  url: string;
  kind: 'stun' | 'turn';
  /** How the server is reached. */
  transport: TurnTransport;
  /** A name, or an address; IPv6 without brackets. */
  host: string;
  port: number;
  /** TURN only. */
  login: { username: string; credential: string } | null;
  /** Why nobody asks it; null when it is asked. */
  skip: string | null;
}

const URL_FORM =
  /^(stuns?|turns?):(?:\[([0-9a-f:.]+)\]|([^\s/?@:[\]]+))(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i;
const PORT = 3478;
const TLS_PORT = 5349;

/** Each URL once, in the order of the list. */
export function targetsOf(servers: IceServer[]): Target[] {
  const targets = new Map<string, Target>();
  for (const { urls, username, credential } of servers) {
    const login = username === undefined || credential === undefined ? null : { username, credential };
    for (const url of [urls].flat()) {
      if (!targets.has(url)) targets.set(url, targetOf(url, login));
    }
  }
  return [...targets.values()];
}

function targetOf(url: string, login: Target['login']): Target {
  const [, scheme = '', ipv6, name, port, parameter] = url.match(URL_FORM) ?? [];
  const secure = /s$/i.test(scheme);
  const kind = /^turn/i.test(scheme) ? 'turn' : 'stun';
  const wanted = parameter?.toLowerCase() ?? (secure ? 'tcp' : 'udp');
  const transport = secure ? 'tls' : wanted === 'tcp' ? 'tcp' : 'udp';
  return {
    url,
    kind,
    transport,
    host: ipv6 ?? name ?? '',
    port: port === undefined ? (secure ? TLS_PORT : PORT) : Number(port),
    login: kind === 'turn' ? login : null,
    skip: whyNot(),
  };

  function whyNot(): string | null {
    if (scheme === '') return 'it is not the URL of a STUN or TURN server';
    if (Number(port ?? PORT) > 65_535 || Number(port ?? PORT) === 0) return `${port} is not a port`;
    if (kind === 'stun' && transport !== 'udp') return 'STUN over TCP or TLS tells nothing of UDP';
    if (kind === 'turn' && secure && wanted === 'udp') return 'TURN over DTLS is not supported';
    if (kind === 'turn' && login === null) return 'it has no username and credential';
    return null;
  }
}
