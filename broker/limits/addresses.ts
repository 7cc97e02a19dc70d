/** Whose address an address is: what limits per address count by. */
import { isIPv6 } from 'node:net';

/**
 * An IPv4 address as it is, also when written as IPv6; of an IPv6 address the /64, since that is what one
 * household or host is given (RFC 6177).
 */
export function addressKey(address: string | undefined): string {
  if (!address) return 'unknown';
  const plain = address.split('%', 1)[0] ?? '';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain);
  if (mapped?.[1]) return mapped[1];
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.toLowerCase().split('::', 2);
  const before = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const gap =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  const groups = [...before, ...gap, ...after]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.join(':')}::/64`;
}
