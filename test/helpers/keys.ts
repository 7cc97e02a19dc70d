/** What tests know keys by. */
import type { Pass } from '../../shared/pass.ts';
import { issuePass } from '../../shared/pass.ts';
import { newKey, publicKeyOf } from '../../shared/signature.ts';
import type { KeyStore, KnownKey } from '../../shared/vehicle-trust.ts';

/** What a page's memory is. */
export function keyStore(fleet: string | null = null): KeyStore & { pinned(): string | null } {
  let pin: string | null = null;
  const known = (): KnownKey | null =>
    fleet ? { key: fleet, by: 'fleet' } : pin ? { key: pin, by: 'pin' } : null;
  return {
    known,
    pin(key) {
      pin = key;
    },
    pinned: () => pin,
  };
}

/** A fleet, and an operator's page that it vouches for; what is given differs from what would be right. */
export function testFleet() {
  const secretKey = newKey();
  return {
    key: publicKeyOf(secretKey),
    operator(id: string, other: Partial<Pass> = {}) {
      const own = newKey();
      const claims = {
        sub: id,
        key: publicKeyOf(own),
        role: 'operator',
        rooms: ['car*'],
        exp: 4e9,
        ...other,
      };
      const pass = issuePass(claims, secretKey);
      return { self: id, identity: { secretKey: own, pass: (): string | null => pass } };
    },
  };
}
