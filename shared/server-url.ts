/** The address of a STUN or TURN server, read apart (RFC 7064, RFC 7065). */
export interface ServerUrl {
  kind: 'stun' | 'turn';
  /** In lower case; an IPv6 address in brackets. */
  host: string;
  port: number;
  /** Between the client and the server. */
  transport: 'udp' | 'tcp' | 'tls';
}

const FORM = /^(stun|turn)(s?):(\[[\da-f:.]+\]|[^\s[\]:?/@]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i;
const PORT = 3478;
const TLS_PORT = 5349;

/** Null when it is not such an address. */
export function parseServerUrl(url: string): ServerUrl | null {
  const [, scheme, secure, host, port, transport] = FORM.exec(url) ?? [];
  if (!scheme || !host) return null;
  const plain = transport?.toLowerCase() === 'tcp' ? 'tcp' : 'udp';
  return {
    kind: scheme.toLowerCase() as ServerUrl['kind'],
    host: host.toLowerCase(),
    port: port ? Number(port) : secure ? TLS_PORT : PORT,
    transport: secure ? 'tls' : plain,
  };
}

/** The same for all spellings of one server, over one transport. */
export function serverKey(url: string): string {
  const parsed = parseServerUrl(url);
  return parsed ? `${parsed.kind} ${parsed.host}:${parsed.port} ${parsed.transport}` : url;
}
