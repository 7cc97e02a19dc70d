/** What keys, signatures and passes look like as text, for whoever only hands them on; signature.ts uses them. */

/** Of Ed25519, RFC 8032 sections 5.1.5 and 5.1.6. */
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Characters of a pass; one for a hundred rooms has 5,000. */
export const MAX_PASS = 8_192;

// In base64url, with the last character as it is when the bits that it has too many are zero.
const KEY = /^[\w-]{42}[AEIMQUYcgkosw048]$/;
const SIGNATURE = /^[\w-]{85}[AQgw]$/;

export const isKey = (text: string): boolean => KEY.test(text);
export const isSignature = (text: string): boolean => SIGNATURE.test(text);
