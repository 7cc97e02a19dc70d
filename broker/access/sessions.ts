/** The sessions of browsers: from an invitation or a sign-in, kept in a cookie, and the tokens they give. */
import { randomBytes } from 'node:crypto';
import { PEER_DIGITS, PREFIXES, type Role, SESSION_DIGITS, sessionOfPeer } from '../../shared/roles.ts';
import type { Access } from './access.ts';
import { onlyRoom } from './identity.ts';
import { type Grant, newId, type Verdict } from './tokens.ts';

const hex = (digits: number): string => randomBytes(digits / 2).toString('hex');

/** Somebody who may have a session, and until when, seconds since the epoch. */
export interface Person {
  role: Role;
  rooms: string[];
  until: number;
  /** The id of the invitation or of the person, by which it can be ended. */
  from: string;
  name?: string | undefined;
}

export interface PageToken {
  peer: string;
  token: string;
  /** Seconds since the epoch. */
  expires: number;
  grant: Grant;
}

/** All ids of a session's peers begin alike, so that it can ask again for one of them and for nobody else's. */
export async function newSession(access: Access, person: Person): Promise<{ text: string; grant: Grant }> {
  const { role, rooms, until, from, name } = person;
  const issued = access.now();
  // A vehicle is its room, however often its page is opened.
  const sub = role === 'vehicle' ? (rooms[0] ?? '') : `${PREFIXES[role as 'operator']}${hex(SESSION_DIGITS)}`;
  const grant: Grant = { id: newId(), sub, role, rooms, from: [from], issued, expires: until, until, name };
  return { text: await access.tokens.issue('session', grant), grant };
}

/**
 * @param wanted an id that this session was given before; a new one unless given
 * @returns the reason is a sentence
 */
export async function pageToken(
  access: Access,
  session: Grant,
  wanted?: string,
): Promise<{ ok: true; token: PageToken } | { ok: false; reason: string }> {
  const { sub: base, role, rooms, from, until, name } = session;
  const own = role === 'vehicle' ? base : `${base}-${hex(PEER_DIGITS)}`;
  const peer = wanted ?? own;
  const mine = role === 'vehicle' ? peer === base : peer !== base && sessionOfPeer(peer) === base;
  if (!mine) return { ok: false, reason: `'${peer}' is not one of yours.` };
  const expires = Math.min(until, access.now() + access.pageTokenS);
  const grant: Grant = {
    id: newId(),
    sub: peer,
    role,
    rooms,
    from: [...from, session.id],
    // What ends the session ends this too, though it may have been asked for in between.
    issued: session.issued,
    expires,
    until,
    name,
  };
  return { ok: true, token: { peer, token: await access.tokens.issue('mqtt', grant), expires, grant } };
}

/** Swaps an invitation for a session. The reason is a clause. */
export async function acceptInvitation(
  access: Access,
  text: string,
): Promise<{ ok: true; text: string; grant: Grant; path: string } | Extract<Verdict, { ok: false }>> {
  const verdict = await access.verify(text, 'invitation');
  if (!verdict.ok) return { ok: false, reason: verdict.reason.replace(/^the token/, 'the invitation') };
  const { id, role, rooms, until, uses = 1 } = verdict.grant;
  const session = await newSession(access, { role, rooms, until, from: id });
  // Looked at and written down in one go, so that two who come at once don't both get in.
  if (access.endings.uses(id).length >= uses)
    return { ok: false, reason: 'the invitation has been used already' };
  access.endings.use(id, session.grant.sub);
  access.issuer.session(session.grant, id);
  return { ok: true, ...session, path: pathOf(session.grant) };
}

/** Where somebody goes first. */
export function pathOf(grant: Grant): string {
  const room = onlyRoom(grant);
  if (room === null) return '/';
  return grant.role === 'vehicle' ? `/vehicle/${room}` : `/rooms/${room}`;
}
