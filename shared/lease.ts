/**
 * Who may drive: at most one operator at a time, granted by the vehicle. Pure: `leaseAfter` is told what happens
 * and says what is to be told to whom.
 *
 *     free ──request──► held ◄──────────────┐
 *      ▲                 │ release, expiry,  │ it stands
 *      │                 ▼ hand-over         │
 *      └──────────────── waiting for the vehicle to stand, for somebody else than who drove
 *
 * A vehicle that moves keeps its driver: it is neutral and stands before it changes hands.
 */

export interface Lease {
  readonly holder: string | null;
  /** Grows with every grant; commands with another number move nothing. */
  readonly number: number;
  /** When the holder changed, ms since the epoch. */
  readonly since: number;
  /** Who has asked the holder to hand over, and when, ms since the epoch. */
  readonly asking: { readonly peer: string; readonly at: number } | null;
  /** Who gets it as soon as the vehicle stands, and since when that is so. */
  readonly next: { readonly peer: string; readonly at: number } | null;
  /** Who held it last: the same hands need not wait until the vehicle stands. */
  readonly last: string | null;
  /** Who lost its session while it drove, and until when it is missed, ms since the epoch. */
  readonly missed: { readonly peer: string; readonly until: number } | null;
}

/** @param now ms since the epoch */
export const noLease = (now: number): Lease => ({
  holder: null,
  number: 0,
  since: now,
  asking: null,
  next: null,
  last: null,
  missed: null,
});

/** Whoever drove when its session was lost has the wheel again in a new one that comes within this time, ms. */
export const REGAIN_MS = 10_000;
/** A holder of whom no command has come for so long does not hold it any more, ms. */
export const EXPIRES_MS = 10_000;
/** A holder who is asked to hand over has so long to answer, ms. */
export const ANSWER_MS = 15_000;
/** A vehicle that has not come to a stand for so long is given to nobody, ms. */
export const STAND_MS = 15_000;

/** @param standing the vehicle stands */
export type LeaseEvent =
  /** handover: if somebody holds it, that one shall be asked; takeover: it shall be taken from that one. */
  | { type: 'request'; peer: string; how: 'plain' | 'handover' | 'takeover'; standing: boolean }
  /** The holder hands over to the one who asks. */
  | { type: 'handover'; peer: string; to: string; standing: boolean }
  | { type: 'decline'; peer: string; to: string }
  /** Lets go, or does not ask any more. */
  | { type: 'release'; peer: string; standing: boolean }
  /** A session has ended without its operator's doing. */
  | { type: 'lost'; peer: string; standing: boolean }
  /** A session has begun. */
  | { type: 'back'; peer: string }
  /** The same holder gets a new number: what was sent under the old one moves nothing any more. */
  | { type: 'renew' }
  /** @param heardAt when the holder's last command came, ms since the epoch */
  | { type: 'tick'; standing: boolean; heardAt: number };

/** To be told to an operator: events of the protocol. */
export type LeaseWord = { to: string } & (
  | { type: 'grant'; lease: number }
  | { type: 'deny' | 'wait' | 'revoke'; reason: string }
  | { type: 'handover'; peer: string | null }
);

export type LeaseStep = [lease: Lease, words: LeaseWord[]];

/** @param now ms since the epoch */
export function leaseAfter(lease: Lease, event: LeaseEvent, now: number): LeaseStep {
  switch (event.type) {
    case 'request':
      return requested(lease, event, now);
    case 'handover':
      if (lease.holder !== event.peer || lease.asking?.peer !== event.to) return [lease, []];
      return passOn(lease, `handed over to ${event.to}`, event.standing, now);
    case 'decline':
      if (lease.holder !== event.peer || lease.asking?.peer !== event.to) return [lease, []];
      return [{ ...lease, asking: null }, [deny(event.to, `${event.peer} keeps the wheel`)]];
    case 'release':
      return left(lease, event.peer, event.standing, now);
    case 'lost': {
      const [after, words] = left(lease, event.peer, event.standing, now);
      // Nobody is missed whom somebody has followed.
      if (lease.holder !== event.peer || after.holder !== null || after.next !== null) return [after, words];
      return [{ ...after, missed: { peer: event.peer, until: now + REGAIN_MS } }, words];
    }
    case 'back': {
      const { missed, holder, next } = lease;
      if (missed?.peer !== event.peer || now > missed.until || holder !== null || next !== null)
        return [lease, []];
      return granted(lease, event.peer, now);
    }
    case 'renew': {
      if (lease.holder === null) return [lease, []];
      const number = lease.number + 1;
      return [{ ...lease, number }, [{ to: lease.holder, type: 'grant', lease: number }]];
    }
    case 'tick':
      return ticked(lease, event, now);
  }
}

function requested(
  lease: Lease,
  { peer, how, standing }: Extract<LeaseEvent, { type: 'request' }>,
  now: number,
): LeaseStep {
  const { holder, next, asking } = lease;
  if (holder === peer) {
    // It may have missed both.
    const again: LeaseWord[] = asking ? [{ to: peer, type: 'handover', peer: asking.peer }] : [];
    return [lease, [{ to: peer, type: 'grant', lease: lease.number }, ...again]];
  }
  if (how === 'takeover' && (holder !== null || next !== null)) {
    const [after, words] = give(vacated(lease, now), peer, standing, now);
    const [out] = [holder ?? next?.peer ?? ''].filter((one) => one !== peer);
    const other = asking && asking.peer !== peer ? [deny(asking.peer, `${peer} has taken over`)] : [];
    const revoked: LeaseWord[] = out ? [{ to: out, type: 'revoke', reason: `${peer} has taken over` }] : [];
    return [after, [...revoked, ...other, ...words]];
  }
  if (next !== null) {
    if (next.peer === peer) return [lease, [wait(peer, STANDS_FIRST)]];
    return [lease, [deny(peer, `${next.peer} gets the wheel when the car stands`)]];
  }
  if (holder === null) return give(lease, peer, standing, now);
  if (how === 'plain') return [lease, [deny(peer, `${holder} is driving`)]];
  if (asking && asking.peer !== peer) return [lease, [deny(peer, `${asking.peer} has asked for it already`)]];
  const words: LeaseWord[] = [wait(peer, `${holder} is asked to hand over`)];
  if (asking) return [lease, words];
  return [{ ...lease, asking: { peer, at: now } }, [...words, { to: holder, type: 'handover', peer }]];
}

/** Who had it, asked for it or waited for it does not any more. */
function left(lease: Lease, peer: string, standing: boolean, now: number): LeaseStep {
  const { holder, asking, next, missed } = lease;
  if (holder === peer) return passOn(lease, null, standing, now);
  if (next?.peer === peer) return [{ ...lease, next: null }, []];
  if (asking?.peer === peer) {
    const words: LeaseWord[] = holder === null ? [] : [{ to: holder, type: 'handover', peer: null }];
    return [{ ...lease, asking: null }, words];
  }
  return missed?.peer === peer ? [{ ...lease, missed: null }, []] : [lease, []];
}

/** The holder has it no more; whoever has asked for it gets it. @param why the holder is told, if it need be */
function passOn(lease: Lease, why: string | null, standing: boolean, now: number): LeaseStep {
  const { holder, asking } = lease;
  const told: LeaseWord[] =
    why !== null && holder !== null ? [{ to: holder, type: 'revoke', reason: why }] : [];
  const free = vacated(lease, now);
  if (asking === null) return [free, told];
  const [after, words] = give(free, asking.peer, standing, now);
  return [after, [...told, ...words]];
}

function ticked(
  lease: Lease,
  { standing, heardAt }: Extract<LeaseEvent, { type: 'tick' }>,
  now: number,
): LeaseStep {
  const { holder, since, next, asking } = lease;
  if (next !== null) {
    if (standing) return granted(lease, next.peer, now);
    if (now - next.at < STAND_MS) return [lease, []];
    return [{ ...lease, next: null }, [deny(next.peer, 'the car has not come to a stand')]];
  }
  if (holder === null) return [lease, []];
  if (now - Math.max(since, heardAt) >= EXPIRES_MS) {
    return passOn(lease, `no command for ${EXPIRES_MS / 1_000} s`, standing, now);
  }
  if (asking === null || now - asking.at < ANSWER_MS) return [lease, []];
  return [
    { ...lease, asking: null },
    [deny(asking.peer, `${holder} has not answered`), { to: holder, type: 'handover', peer: null }],
  ];
}

/** To the same hands at once, to others when the vehicle stands. */
function give(lease: Lease, peer: string, standing: boolean, now: number): LeaseStep {
  if (standing || lease.last === peer) return granted(lease, peer, now);
  return [{ ...lease, next: { peer, at: now } }, [wait(peer, STANDS_FIRST)]];
}

function granted(lease: Lease, peer: string, now: number): LeaseStep {
  const number = lease.number + 1;
  const after: Lease = { ...noLease(now), holder: peer, number, last: peer };
  return [after, [{ to: peer, type: 'grant', lease: number }]];
}

const vacated = (lease: Lease, now: number): Lease =>
  lease.holder === null && lease.next === null
    ? lease
    : { ...lease, holder: null, since: now, asking: null, next: null };

const STANDS_FIRST = 'the car has to stand first';

const deny = (to: string, reason: string): LeaseWord => ({ to, type: 'deny', reason });
const wait = (to: string, reason: string): LeaseWord => ({ to, type: 'wait', reason });
