/** What keys, signatures and passes look like as text, for whoever only hands them on; signature.ts uses them. */
import { fromBase64url } from './base64url.ts';

/** Of Ed25519, RFC 8032 sections 5.1.5 and 5.1.6. */
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Characters of a pass; one for a hundred rooms has 5,000. */
export const MAX_PASS = 8_192;

export const isKey = (text: string): boolean => fromBase64url(text)?.length === KEY_BYTES;
export const isSignature = (text: string): boolean => fromBase64url(text)?.length === SIGNATURE_BYTES;
