/**
 * How many are let in at a time; those who come and find no place wait for one. Places are counted by person,
 * of whom several pages may be there. Sessions that are made before their operators enter take no place; there
 * may be a few of them, for a while. A supervisor gets in also when all places are taken, if need be in the
 * place of somebody who only looks on.
 */

import { isLive, type Link } from './negotiation.ts';
import { sessionOfPeer as personOf } from './roles.ts';

/** Offers without an answer, after which an operator no longer takes up a place. */
const UNANSWERED_TRIES = 2;
/** Sessions that are made ahead at a time, each another person's: one token can't have all of them. */
const MOST_AHEAD = 3;
/** Pages of one person that share a place: each costs the vehicle an encrypted stream of video of its own. */
export const MOST_PAGES = 4;
/** Supervisors beyond the number, where nobody can be put out: the path of the vehicle has to carry them too. */
export const MOST_EXTRA = 2;
/** After this a session that nobody has entered ends, ms; pages give theirs up earlier. */
export const UNUSED_MS = 20_000;

export interface Visitor {
  session: { link: Link };
  epoch: number;
  /** It has come; until then its session is made ahead. */
  entered: boolean;
}

/** One who comes. @param supervises as far as that is verified */
export type Arrival = { peer: string; epoch: number; supervises: boolean };

export interface AdmissionOptions {
  /** Places. */
  most: number;
  /** Those who have a session, the first first. */
  visitors: ReadonlyMap<string, Visitor>;
  /** Drives, has asked for the wheel, or supervises: is not put out. */
  stays(peer: string): boolean;
  /** Has no place, or none any more. @param why a clause */
  onTurnedAway(peer: string, why: string): void;
}

export function createAdmission({ most, visitors, stays, onTurnedAway }: AdmissionOptions) {
  /** Who waits, the first first. */
  const waiting = new Map<string, Arrival>();
  /** For whom room is being made. */
  let expected: string | null = null;

  /** Who takes up places, in the order of coming, with their pages. @param but a page that is not counted */
  function inside(but?: string): Map<string, string[]> {
    const people = new Map<string, string[]>(expected === null ? [] : [[expected, []]]);
    for (const [peer, { entered, session }] of visitors) {
      if (!entered || peer === but || !isAnswering(session.link)) continue;
      const person = personOf(peer);
      people.set(person, [...(people.get(person) ?? []), peer]);
    }
    return people;
  }

  /** Pages of the one who came last of those who only look on; null when there is nobody to put out. */
  const lastSpectator = (people: Map<string, string[]>): string[] | null =>
    [...people.values()].findLast((pages) => pages.length > 0 && !pages.some(stays)) ?? null;

  function whyNot({ peer, supervises }: Arrival): string | null {
    const person = personOf(peer);
    const isPage = ([other, { entered, session }]: [string, Visitor]) =>
      other !== peer && entered && isLive(session.link) && personOf(other) === person;
    if ([...visitors].filter(isPage).length >= MOST_PAGES)
      return `you have ${MOST_PAGES} pages at this vehicle already, the most that one person may have`;
    const people = inside(peer);
    if (people.has(person) || people.size < most) return null;
    if (supervises && (people.size < most + MOST_EXTRA || lastSpectator(people))) return null;
    return `${most} operators are connected already, the most that are let in`;
  }

  return {
    /** Why there would be no place, a clause; null when there is one. */
    whyNot,
    /** Whether there is a place for one who comes; one for whom there is none waits. */
    ask(arrival: Arrival): boolean {
      const why = whyNot(arrival);
      if (why === null) {
        waiting.delete(arrival.peer);
        return true;
      }
      waiting.set(arrival.peer, arrival);
      onTurnedAway(arrival.peer, why);
      return false;
    },
    /** For a supervisor who has come beyond the number: whoever came last and only looks on is put out, and waits. */
    makeRoom({ peer, supervises }: Arrival): void {
      const people = inside(peer);
      if (!supervises || people.has(personOf(peer)) || people.size < most) return;
      const pages = lastSpectator(people) ?? [];
      const put = pages.map((page) => ({
        peer: page,
        epoch: visitors.get(page)?.epoch ?? 0,
        supervises: false,
      }));
      // A place that becomes free meanwhile is taken.
      expected = personOf(peer);
      for (const page of pages) onTurnedAway(page, 'a supervisor needed the place');
      expected = null;
      // Now, as pages that are still there would share their place with them.
      for (const one of put) waiting.set(one.peer, one);
    },
    mayPrepare(peer: string): boolean {
      const ahead = [...visitors].filter(([, { entered }]) => !entered).map(([other]) => personOf(other));
      return ahead.length < MOST_AHEAD && !ahead.includes(personOf(peer));
    },
    /** Does not wait any more. */
    leave: (peer: string) => waiting.delete(peer),
    /** Those who wait, one by one, as long as there are places: each is to take one. */
    *next(): Generator<Arrival> {
      for (const [peer, arrival] of waiting) {
        if (visitors.has(peer) || whyNot(arrival) !== null) continue;
        waiting.delete(peer);
        yield arrival;
      }
    },
  };
}

/** Places are for those who answer: a presence that nobody stands behind must not keep others out. */
const isAnswering = (link: Link) =>
  isLive(link) &&
  (link.phase !== 'connecting' || link.attempt.answered || link.attempt.tries < UNANSWERED_TRIES);
