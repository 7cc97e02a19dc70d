/**
 * Whom an operator takes for its vehicle: who signs with the key that the fleet knows, or with the one that
 * was pinned when it was first seen. What anybody else says in the vehicle's name is dropped before it can do
 * anything to a session. A vehicle that never signs is taken as it is, until it has signed once.
 */
import type { Sdp } from './messages.ts';
import { verifyDescription } from './signature.ts';

export interface KnownKey {
  key: string;
  by: 'fleet' | 'pin';
}

/** The keys that this operator knows of; asked anew for each description. */
export interface KeyStore {
  /** Of the vehicle; the fleet's word goes before a pin. */
  known(): KnownKey | null;
  /** Keeps a key as the vehicle's. */
  pin(key: string): void;
}

/** A description that was not the vehicle's, or can't be shown to be. */
export interface Refusal {
  /** unsigned: though a key is known; forged: the signature is wrong; other-key: it is right, by another key. */
  why: 'unsigned' | 'forged' | 'other-key';
  /** The key that it was to be signed with; null where none was known. */
  known: KnownKey | null;
  /** The other key. */
  key: string | null;
}

/** What is known of who the vehicle is. */
export interface VehicleIdentity {
  /** How it was recognised: by the fleet's word, a pin of before or of now; null before anything was taken. */
  by: 'fleet' | 'pin' | 'first-sight' | 'nothing' | null;
  /** The key of the last description that was taken. */
  key: string | null;
  /** Why nothing is connected: the last refusal, unless something better has come since. */
  refused: Refusal | null;
  /** Descriptions that were refused. */
  refusals: number;
}

export const NOBODY_YET: VehicleIdentity = { by: null, key: null, refused: null, refusals: 0 };

/** As they are logged and counted. */
const WORDS: Record<Refusal['why'], string> = {
  unsigned: 'is not signed, though the vehicle’s key is known',
  forged: 'its signature is wrong',
  'other-key': 'is signed with another key than the vehicle’s',
};

/**
 * @param to this operator
 * @param live there is a session that goes on: what is refused beside it is counted, and nothing else
 * @returns what is known now, and why the description is to be dropped; null when it is to be taken
 */
export function recognise(
  message: Sdp,
  { room, to }: { room: string; to: string },
  store: KeyStore,
  before: VehicleIdentity,
  live: boolean,
): [VehicleIdentity, dropped: string | null] {
  const known = store.known();
  const why = judge(message, { room, to }, known);
  if (why !== null) {
    const refused = live
      ? before.refused
      : { why, known, key: why === 'other-key' ? (message.key ?? null) : null };
    return [{ ...before, refused, refusals: before.refusals + 1 }, WORDS[why]];
  }
  const { key = null } = message;
  const { refusals } = before;
  if (key === null) return [{ by: 'nothing', key, refused: null, refusals }, null];
  // What the fleet says is kept too: should it say nothing some day, no other key is taken for the vehicle's.
  if (known?.by !== 'pin') store.pin(key);
  const seenFirst = known === null || (before.by === 'first-sight' && before.key === key);
  const by = seenFirst && known?.by !== 'fleet' ? 'first-sight' : (known?.by ?? 'pin');
  return [{ by, key, refused: null, refusals }, null];
}

function judge(
  message: Sdp,
  { room, to }: { room: string; to: string },
  known: KnownKey | null,
): Refusal['why'] | null {
  const { key, sig } = message;
  if (key === undefined && sig === undefined) return known === null ? null : 'unsigned';
  if (key === undefined || sig === undefined) return 'forged';
  // What a stranger signs is looked at too: only who has a key may have people compare it.
  if (!verifyDescription({ ...message, room, from: room, to }, sig, key)) return 'forged';
  return known === null || key === known.key ? null : 'other-key';
}
