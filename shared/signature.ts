/**
 * Who says a description: Ed25519 keys (RFC 8032) of vehicles, operators and fleets, and what is signed of an
 * SDP. Keys and signatures are base64url without padding. By whom it is computed is the caller's to say; in
 * pages it is pure JavaScript, since those over plain http have no `crypto.subtle`.
 *
 * Measured, on the 2 cores of docs/benchmarks.md: to sign 0.4 to 0.6 ms in Chromium, to verify 0.5 to 2.5; before the first
 * of either 50 to 250 in a busy Chromium: see `warmUp`. An agent has Node's crypto, vehicle/ed25519.ts.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase64url, toBase64url } from './base64url.ts';
import { KEY_BYTES, SIGNATURE_BYTES } from './keys.ts';

/**
 * Bits of a window of the table of multiples that noble keeps: a peer signs and checks a few times, and with its
 * own 8 the table takes 50 ms, with 5 it takes 12 and a signature 0.2 ms more.
 */
const WINDOW_BITS = 5;
ed25519.Point.BASE.precompute(WINDOW_BITS);

/** Ed25519 as a platform has it, over bytes of the right length. */
export interface Ed25519 {
  publicKey(secretKey: Uint8Array): Uint8Array;
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array;
  /** May throw for what is no key or no signature. False for a key of small order, under which one signature fits many texts. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

/** Everywhere. */
const IN_JAVASCRIPT: Ed25519 = {
  publicKey: ed25519.getPublicKey,
  sign: ed25519.sign,
  // By the letter of RFC 8032.
  verify: (signature, message, publicKey) => ed25519.verify(signature, message, publicKey, { zip215: false }),
};

/** Names what is signed, so that a signature of this is never one of something else. */
const TAG = 'plntry-sdp-1';

/** What a signature is about; see {@link statement}. */
export interface Description {
  room: string;
  /** Ids of the peer that says it and of the one that it is for. */
  from: string;
  to: string;
  session: string;
  seq: number;
  type: 'offer' | 'answer' | 'restart';
  /** None where a restart is asked for. */
  sdp?: string | undefined;
}

/** A secret key, of which everything else follows: 32 random bytes. */
export const newKey = (): string => toBase64url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));

/** @throws Error of one sentence when it is no key */
export const publicKeyOf = (secretKey: string, by = IN_JAVASCRIPT): string =>
  toBase64url(by.publicKey(bytesOf(secretKey, KEY_BYTES)));

/**
 * What people compare: the first 16 bytes of the SHA-256 of a public key, as groups of four hexadecimal
 * digits. To find another key with the same would take 2^128 tries.
 */
export function fingerprintOf(publicKey: string): string {
  const digest = sha256(bytesOf(publicKey, KEY_BYTES)).subarray(0, 16);
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.match(/.{4}/g)?.join(' ') ?? '';
}

/** Signs text in UTF-8. */
export const signText = (text: string, secretKey: string, by = IN_JAVASCRIPT): string =>
  toBase64url(by.sign(encoder.encode(text), bytesOf(secretKey, KEY_BYTES)));

/** Never throws: what is no key or no signature is not valid. */
export function verifyText(text: string, signature: string, publicKey: string, by = IN_JAVASCRIPT): boolean {
  const [key, sig] = [fromBase64url(publicKey), fromBase64url(signature)];
  if (key?.length !== KEY_BYTES || sig?.length !== SIGNATURE_BYTES) return false;
  try {
    return by.verify(sig, encoder.encode(text), key);
  } catch {
    return false;
  }
}

export const signDescription = (description: Description, secretKey: string, by?: Ed25519): string =>
  signText(statement(description), secretKey, by);

export const verifyDescription = (
  description: Description,
  signature: string,
  publicKey: string,
  by?: Ed25519,
): boolean => verifyText(statement(description), signature, publicKey, by);

/**
 * Lines, of which the last is the SDP as it is sent. Its `a=fingerprint` lines (RFC 8122) are what binds the
 * media to the key: DTLS accepts no certificate but theirs (RFC 8827 section 6.5), and keys for the video come of
 * that handshake. All of the SDP is signed, and not those lines alone, so that no reader of ours has to see
 * the very lines that a WebRTC stack sees. No field before it can hold a line break.
 */
function statement({ room, from, to, session, seq, type, sdp = '' }: Description): string {
  return [TAG, room, from, to, session, seq, type, sdp].join('\n');
}

/**
 * Signs what one peer says to others in its room: returns the message with `key` and `sig`.
 * @throws Error of one sentence when it is no key
 */
export function createSigner(room: string, from: string, secretKey: string, by?: Ed25519) {
  const key = publicKeyOf(secretKey, by);
  return <Body extends Omit<Description, 'room' | 'from' | 'to'>>(to: string, body: Body) => ({
    ...body,
    key,
    sig: signDescription({ room, from, to, ...body }, secretKey, by),
  });
}

/** Makes the tables that the first signature and the first check would wait for. */
export function warmUp(): void {
  const secretKey = newKey();
  verifyText(TAG, signText(TAG, secretKey), publicKeyOf(secretKey));
}

function bytesOf(text: string, length: number): Uint8Array {
  const bytes = fromBase64url(text);
  if (bytes?.length === length) return bytes;
  throw new Error(`a key is ${length} bytes in base64url`);
}

const encoder = new TextEncoder();
