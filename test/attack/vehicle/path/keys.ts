/** What comes of a DTLS 1.2 handshake for who has one half of its secret: keys of records and of SRTP. */
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
} from 'node:crypto';
import * as werift from 'werift';
import type { Record } from './records.ts';

/** Of AES-128-GCM (RFC 5288). */
const KEY_BYTES = 16;
const SALT_BYTES = 4;
const NONCE_BYTES = 8;
const TAG_BYTES = 16;
/** Named groups (RFC 8422, section 5.1.1). */
const P256 = 23;
const X25519 = 29;
/** What a raw X25519 key is as SubjectPublicKeyInfo (RFC 8410). */
const X25519_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
/** SRTP profiles (RFC 5764, RFC 7714), and the salt of each. */
const SRTP_SALT: { [profile: number]: number } = { 1: 14, 7: 12 };

export interface Secret {
  master: Buffer;
  clientRandom: Buffer;
  serverRandom: Buffer;
}

const hmac = (secret: Buffer, data: Buffer) => createHmac('sha256', secret).update(data).digest();
export const sha256 = (data: Buffer) => createHash('sha256').update(data).digest();

/** RFC 5246, section 5. */
export function prf(secret: Buffer, label: string, seed: Buffer, length: number): Buffer {
  const all = Buffer.concat([Buffer.from(label), seed]);
  const parts: Buffer[] = [];
  let last = all;
  for (let have = 0; have < length; have += 32) {
    last = hmac(secret, last);
    parts.push(hmac(secret, Buffer.concat([last, all])));
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** A key pair of a group: the public half as it is on the wire, and the secret that comes of another's. */
export function newHalf(group: number): { point: Buffer; secretWith(other: Buffer): Buffer } {
  if (group === P256) {
    const half = createECDH('prime256v1');
    return { point: half.generateKeys(), secretWith: (other) => half.computeSecret(other) };
  }
  if (group !== X25519) throw new Error(`the attacker knows no group ${group}`);
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const asKey = (raw: Buffer) =>
    createPublicKey({ key: Buffer.concat([X25519_PREFIX, raw]), format: 'der', type: 'spki' });
  return {
    point: publicKey.export({ type: 'spki', format: 'der' }).subarray(X25519_PREFIX.length),
    secretWith: (other) => diffieHellman({ privateKey, publicKey: asKey(other) }),
  };
}

/** One direction of records. */
export interface Direction {
  key: Buffer;
  salt: Buffer;
}

export function recordKeys({ master, clientRandom, serverRandom }: Secret) {
  const seed = Buffer.concat([serverRandom, clientRandom]);
  const block = prf(master, 'key expansion', seed, 2 * (KEY_BYTES + SALT_BYTES));
  const at = (from: number, length: number) => block.subarray(from, from + length);
  return {
    client: { key: at(0, KEY_BYTES), salt: at(2 * KEY_BYTES, SALT_BYTES) },
    server: { key: at(KEY_BYTES, KEY_BYTES), salt: at(2 * KEY_BYTES + SALT_BYTES, SALT_BYTES) },
  };
}

/** What a record says beside its content, which is authenticated with it (RFC 5246, section 6.2.3.3). */
function additional(type: number, epoch: number, sequence: number, length: number): Buffer {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt16BE(epoch, 0);
  bytes.writeUIntBE(sequence, 2, 6);
  bytes[8] = type;
  bytes.writeUInt16BE(0xfefd, 9);
  bytes.writeUInt16BE(length, 11);
  return bytes;
}

/** Null where the record is not one of these keys. */
export function open({ key, salt }: Direction, { type, epoch, sequence, body }: Record): Buffer | null {
  const length = body.length - NONCE_BYTES - TAG_BYTES;
  if (length < 0) return null;
  const nonce = Buffer.concat([salt, body.subarray(0, NONCE_BYTES)]);
  const cipher = createDecipheriv('aes-128-gcm', key, nonce);
  cipher.setAAD(additional(type, epoch, sequence, length));
  cipher.setAuthTag(body.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([cipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES)), cipher.final()]);
  } catch {
    return null;
  }
}

/** The body of a record. */
export function seal({ key, salt }: Direction, type: number, epoch: number, sequence: number, text: Buffer) {
  const explicit = Buffer.alloc(NONCE_BYTES);
  explicit.writeUInt16BE(epoch, 0);
  explicit.writeUIntBE(sequence, 2, 6);
  const cipher = createCipheriv('aes-128-gcm', key, Buffer.concat([salt, explicit]));
  cipher.setAAD(additional(type, epoch, sequence, text.length));
  return Buffer.concat([explicit, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** What decrypts the media of the car (RFC 5764, section 4.2). @param car which end of the handshake it was */
export function mediaOf(secret: Secret, profile: number, car: 'client' | 'server'): werift.SrtpSession {
  const salt = SRTP_SALT[profile];
  if (salt === undefined) throw new Error(`the attacker knows no SRTP profile ${profile}`);
  const seed = Buffer.concat([secret.clientRandom, secret.serverRandom]);
  const bytes = prf(secret.master, 'EXTRACTOR-dtls_srtp', seed, 2 * (KEY_BYTES + salt));
  const keys = [bytes.subarray(0, KEY_BYTES), bytes.subarray(KEY_BYTES, 2 * KEY_BYTES)] as const;
  const salts = [bytes.subarray(2 * KEY_BYTES, -salt), bytes.subarray(-salt)] as const;
  const [theirs, own] = car === 'client' ? ([0, 1] as const) : ([1, 0] as const);
  return new werift.SrtpSession({
    profile,
    keys: {
      localMasterKey: keys[own],
      localMasterSalt: salts[own],
      remoteMasterKey: keys[theirs],
      remoteMasterSalt: salts[theirs],
    },
  });
}
