/** Which addresses are a local network's, and how they are written. */
import { isIPv6 } from 'node:net';

/** Of a network that is not the internet: RFC 1918, RFC 4193, and what machines give themselves (RFC 3927). */
export function isPrivate(address: string): boolean {
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase();
  if (bare.includes(':')) return /^f[cd]/.test(bare) || /^fe[89ab]/.test(bare);
  const [a = 0, b = 0] = bare.split('.').map(Number);
  return a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254);
}

/** With brackets where URLs need them. */
export const inUrl = (host: string): string => (isIPv6(host) ? `[${host}]` : host);
