/** Who is let in: places by person, supervisors, and who waits. */
import { expect, test } from 'vitest';
import { createAdmission, MOST_EXTRA, MOST_PAGES, type Visitor } from '../../shared/admission.ts';
import type { Link } from '../../shared/negotiation.ts';
import { newAttempt } from '../../shared/negotiation-attempt.ts';

const [ANN, BEN, EVE, SUE] = ['op-aaaaaaaaaa', 'op-bbbbbbbbbb', 'op-eeeeeeeeee', 'sv-5555555555'] as const;
const page = (person: string, number: number) => `${person}-${String(number).padStart(8, '0')}`;
const SESSION = '000000001-0001';
const connecting = (answered: boolean, tries = 0): Link => ({
  phase: 'connecting',
  session: SESSION,
  attempt: { ...newAttempt(SESSION, 1, answered), tries },
});
const ALONE = (peer: string) => peer;

/** A vehicle with places, whose operators answer at once. */
function vehicle(most: number) {
  const visitors = new Map<string, Visitor>();
  const told: string[] = [];
  const busy = new Set<string>();
  const admission = createAdmission({
    most,
    visitors,
    stays: (peer) => busy.has(peer) || peer.startsWith('sv-'),
    onTurnedAway(peer, why) {
      told.push(`${peer}: ${why}`);
      go(peer);
    },
  });
  function enter(peer: string): boolean {
    const arrival = { peer, epoch: 1, supervises: peer.startsWith('sv-') };
    if (!admission.ask(arrival)) return false;
    // As at the vehicle: its session begins when room has been made.
    const visitor: Visitor = { session: { link: { phase: 'waiting' } }, epoch: 1, entered: true };
    visitors.set(peer, visitor);
    admission.makeRoom(arrival);
    visitor.session.link = connecting(true);
    return true;
  }
  function prepare(peer: string): boolean {
    if (!admission.mayPrepare(peer)) return false;
    const link = connecting(false);
    visitors.set(peer, { session: { link }, epoch: 1, entered: false });
    return true;
  }
  function go(peer: string): void {
    if (!visitors.delete(peer)) return;
    for (const { peer: next } of admission.next()) enter(next);
  }
  const inside = () => [...visitors].filter(([, { entered }]) => entered).map(([peer]) => peer);
  return { enter, prepare, go, inside, told, busy, visitors, leave: admission.leave };
}

test('pages of one person share a place; others have theirs', () => {
  const { enter, inside } = vehicle(2);
  for (let number = 0; number < MOST_PAGES; number++) expect(enter(page(ANN, number))).toBe(true);
  expect(enter(page(BEN, 1))).toBe(true);
  expect(enter(page(EVE, 1))).toBe(false);
  expect(inside()).toHaveLength(MOST_PAGES + 1);
});

test('ids that name no session are a person each', () => {
  const { enter } = vehicle(3);
  const comes = ['op-81c2e7aa', 'op-81c2e7ab', 'op-aaaaaaaaaa-1', 'op-aaaaaaaaaa-2'].map(ALONE).map(enter);
  expect(comes).toEqual([true, true, true, false]);
});

test('a person has so many pages and no more, is told why, and gets in when one of them goes', () => {
  const { enter, go, inside, told } = vehicle(8);
  for (let number = 0; number < MOST_PAGES; number++) enter(page(ANN, number));
  expect(enter(page(ANN, 9))).toBe(false);
  expect(told).toEqual([
    `${page(ANN, 9)}: you have 4 pages at this vehicle already, the most that one person may have`,
  ]);
  go(page(ANN, 0));
  expect(inside()).toContain(page(ANN, 9));
});

test('who waits for a page of its own does not hold up who waits for a place', () => {
  const { enter, go, inside } = vehicle(2);
  for (let number = 0; number < MOST_PAGES; number++) enter(page(ANN, number));
  enter('op-1');
  enter(page(ANN, 9));
  enter('op-2');
  go('op-1');
  expect(inside().slice(MOST_PAGES)).toEqual(['op-2']);
});

test('a supervisor takes the place of the spectator who came last, with all pages, and they wait', () => {
  const { enter, go, inside, told, busy } = vehicle(3);
  for (const peer of ['op-1', page(BEN, 1), page(BEN, 2), 'op-3']) enter(peer);
  busy.add('op-3');
  expect(enter(page(SUE, 1))).toBe(true);
  expect(inside()).toEqual(['op-1', 'op-3', page(SUE, 1)]);
  expect(told).toEqual([
    `${page(BEN, 1)}: a supervisor needed the place`,
    `${page(BEN, 2)}: a supervisor needed the place`,
  ]);
  expect(enter(page(SUE, 2))).toBe(true);
  expect(inside()).toHaveLength(4);
  go('op-1');
  expect(inside()).toEqual(['op-3', page(SUE, 1), page(SUE, 2), page(BEN, 1), page(BEN, 2)]);
});

test('who waited before gets no place that was made for a supervisor', () => {
  const { enter, inside } = vehicle(1);
  enter('op-1');
  enter('op-2');
  enter('sv-1');
  expect(inside()).toEqual(['sv-1']);
});

test('with nobody to put out supervisors come in beyond the number, up to a bound; one that waits is next', () => {
  const { enter, go, inside, busy, told } = vehicle(1);
  enter('op-1');
  busy.add('op-1');
  for (let number = 1; number <= MOST_EXTRA; number++) expect(enter(`sv-${number}`)).toBe(true);
  expect(enter('sv-9')).toBe(false);
  expect(told).toHaveLength(1);
  enter('op-2');
  // Nobody but a supervisor gets in beyond the number.
  go('sv-1');
  expect(inside()).toEqual(['op-1', 'sv-2', 'sv-9']);
  go('sv-2');
  go('sv-9');
  go('op-1');
  expect(inside()).toEqual(['op-2']);
});

test('nobody is put out while there is a place', () => {
  const { enter, inside } = vehicle(2);
  enter('op-1');
  enter('sv-1');
  expect(inside()).toEqual(['op-1', 'sv-1']);
});

test('who goes while waiting is not let in later', () => {
  const { enter, go, leave, inside } = vehicle(1);
  enter('op-1');
  enter('op-2');
  leave('op-2');
  go('op-1');
  expect(inside()).toEqual([]);
});

test('a person has one session made ahead, and all together have three', () => {
  const { prepare } = vehicle(1);
  const comes = [page(ANN, 1), page(ANN, 2), page(BEN, 1), page(EVE, 1), page(SUE, 1)].map(prepare);
  expect(comes).toEqual([true, false, true, true, false]);
});

test('places are for those who answer', () => {
  const { enter, visitors } = vehicle(1);
  enter('op-1');
  const silent = visitors.get('op-1') as Visitor;
  silent.session.link = connecting(false, 2);
  expect(enter('op-2')).toBe(true);
});
