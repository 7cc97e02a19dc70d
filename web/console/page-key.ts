/** The key of this page as an operator: made when it is first asked for, and gone with the page. */
import { newKey, publicKeyOf, warmUp } from '../../shared/signature.ts';

let secret: string | null = null;

export function pageSecretKey(): string {
  secret ??= newKey();
  return secret;
}

/** For whoever vouches for it. */
export const pagePublicKey = (): string => publicKeyOf(pageSecretKey());

/** ms */
const IDLE_LIMIT_MS = 200;

/** Makes the tables for signatures while nobody waits. */
export function warmUpSignatures(): void {
  // Safari has no requestIdleCallback.
  if ('requestIdleCallback' in window) requestIdleCallback(warmUp, { timeout: IDLE_LIMIT_MS });
  else setTimeout(warmUp);
}
