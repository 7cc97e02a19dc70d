/** The STUN and TURN servers of a list, a target for each URL. Pure. */
import type { IceServer } from '../../shared/server-api.ts';
import { parseServerUrl, type ServerUrl } from '../../shared/server-url.ts';

export type TurnTransport = ServerUrl['transport'];

export interface Target extends ServerUrl {
  /** As it was configured. */
  url: string;
  /** A name, or an address; IPv6 without brackets. */
  host: string;
  /** TURN only. */
  login: { username: string; credential: string } | null;
  /** Why nobody asks it; null when it is asked. */
  skip: string | null;
}

const NOWHERE: ServerUrl = { kind: 'stun', host: '', port: 0, transport: 'udp' };

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
  const server = parseServerUrl(url) ?? NOWHERE;
  const { kind, host, port, transport } = server;
  return {
    ...server,
    url,
    host: host.replace(/^\[(.*)\]$/, '$1'),
    login: kind === 'turn' ? login : null,
    skip: whyNot(),
  };

  function whyNot(): string | null {
    if (server === NOWHERE) return 'it is not the URL of a STUN or TURN server';
    if (port < 1 || port > 65_535) return `${port} is not a port`;
    if (kind === 'stun' && transport !== 'udp') return 'STUN over TCP or TLS tells nothing of UDP';
    if (transport === 'tls' && /=udp$/i.test(url)) return 'TURN over DTLS is not supported';
    if (kind === 'turn' && login === null) return 'it has no username and credential';
    return null;
  }
}
