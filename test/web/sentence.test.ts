import { describe, expect, test } from 'vitest';
import type { Presence } from '../../shared/messages.ts';
import type { Link } from '../../shared/negotiation.ts';
import { newAttempt } from '../../shared/negotiation-attempt.ts';
import { NOTHING_KNOWN, type RoomView } from '../../shared/room-view.ts';
import { fingerprintOf, newKey, publicKeyOf } from '../../shared/signature.ts';
import { NOBODY_YET, type Refusal } from '../../shared/vehicle-trust.ts';
import { verdict as judge, type Verdict } from '../../shared/verdict.ts';
import { FROZEN_MS, type Situation, SLOW_MS, sentence } from '../../web/console/sentence.ts';

const NOW = 1_800_000_000_000;
const AGO = NOW - 60_000;

const presence = (state: Presence['state'], since = AGO): Presence => ({
  v: 1,
  ts: since,
  state,
  role: 'vehicle',
  epoch: 1,
  since,
});

const SESSION = '0abcdefgh-0001';

const live = (phase: 'connecting' | 'connected' | 'restoring'): Link =>
  phase === 'connecting'
    ? { phase, session: SESSION, attempt: newAttempt(SESSION, 1, true) }
    : { phase, session: SESSION, remoteEpoch: 1, replacement: null, tries: 0 };

const VIEW: RoomView = {
  ...NOTHING_KNOWN,
  broker: { state: 'connected' },
  vehicle: presence('online'),
};

function say(view: Partial<RoomView> | null, situation: Partial<Situation> = {}) {
  return sentence(
    {
      room: 'car1',
      problem: null,
      view: view && { ...VIEW, ...view },
      since: { broker: AGO, link: NOW },
      interrupted: false,
      verdict: null,
      failure: null,
      lastFrameAt: null,
      ...situation,
    },
    NOW,
  );
}

const verdictOf = (phase: Verdict['state']) =>
  judge({ vehicle: null, operator: null, phase, reader: 'operator' });

const title = (...args: Parameters<typeof say>) => say(...args)?.title;

describe('before the broker', () => {
  test('the server is being asked', () => {
    expect(title(null)).toBe('Asking the server where the broker is…');
  });

  test('the server does not answer', () => {
    expect(say(null, { problem: 'nobody answers' })).toMatchObject({
      tone: 'danger',
      title: 'The server can’t be reached, trying again…',
      detail: 'What it said: nobody answers.',
    });
  });
});

describe('who the vehicle is', () => {
  const [before, now] = [publicKeyOf(newKey()), publicKeyOf(newKey())];
  const identity = (refused: Refusal) => ({ identity: { ...NOBODY_YET, refused, refusals: 1 } });
  const otherKey = (by: 'fleet' | 'pin') =>
    identity({ why: 'other-key', known: { key: before, by }, key: now });

  test('another key than before: nothing is connected, both are shown, and the new one can be trusted', () => {
    const said = say(otherKey('pin'));
    expect(said).toMatchObject({ tone: 'danger', title: 'car1 shows another key than before', trust: now });
    expect(said?.keys).toEqual([
      ['It was', fingerprintOf(before)],
      ['Now it is', fingerprintOf(now)],
    ]);
  });

  test('another key than the fleet knows can’t be trusted from here', () => {
    const said = say(otherKey('fleet'));
    expect(said?.title).toBe('car1 shows another key than the fleet knows');
    expect(said).not.toHaveProperty('trust');
  });

  test('an offer without a signature, and one with a wrong one', () => {
    const known = { key: before, by: 'pin' } as const;
    const unsigned = say(identity({ why: 'unsigned', known, key: null }));
    expect(unsigned?.title).toBe('Nothing shows that this is car1');
    expect(unsigned?.detail).toContain('though this browser has seen its key before');
    expect(unsigned?.keys).toEqual([['Its key', fingerprintOf(before)]]);
    const forged = say(identity({ why: 'forged', known, key: null }));
    expect(forged?.title).toBe('An offer in the name of car1 is forged');
    expect([unsigned, forged].every((said) => said?.trust === undefined)).toBe(true);
  });

  test('is not the matter while there is a session, or neither broker nor vehicle', () => {
    for (const phase of ['connecting', 'restoring'] as const) {
      expect(title({ ...otherKey('pin'), link: live(phase) })).not.toContain('key');
    }
    expect(title({ ...otherKey('pin'), vehicle: presence('offline') })).toBe('car1 is offline');
    expect(title({ ...otherKey('pin'), broker: { state: 'offline', detail: '' } })).toContain('The broker');
  });
});

describe('the broker', () => {
  test('connecting, and how long when it takes long', () => {
    const broker = { state: 'connecting' } as const;
    const soon = say({ broker }, { since: { broker: NOW - 1_000, link: NOW } });
    expect(soon).toEqual({ tone: 'fine', title: 'Connecting to the broker…' });
    expect(say({ broker })?.detail).toBe('Still trying after 1 min 0 s.');
  });

  test('unreachable', () => {
    expect(title({ broker: { state: 'offline', detail: 'connection refused' } })).toBe(
      'The broker can’t be reached, trying again…',
    );
  });

  test('refused since access has ended, also while the car is silent', () => {
    const broker = { state: 'refused', detail: 'your access has ended' } as const;
    expect(title({ broker })).toBe('Your access has ended');
    expect(title({ broker, link: live('restoring') })).toBe('Your access has ended');
  });

  test('refused, with what it said, and a way to try again', () => {
    expect(say({ broker: { state: 'refused', detail: 'Not authorized' } })).toMatchObject({
      title: 'The broker refuses this page',
      detail: expect.stringContaining('Not authorized'),
      again: true,
    });
  });

  test('this console was replaced', () => {
    const link: Link = { phase: 'ended', reason: 'replaced', detail: 'connected from somewhere else' };
    expect(say({ broker: { state: 'closed' }, link })).toMatchObject({
      title: 'This console has been replaced',
      detail: 'Connected from somewhere else.',
      again: true,
    });
  });

  test('its loss is no reason to hide a live picture', () => {
    expect(
      say(
        { broker: { state: 'offline', detail: 'connection refused' }, link: live('connected') },
        { lastFrameAt: NOW - 20 },
      ),
    ).toBeNull();
  });
});

describe('the car', () => {
  test('is looked for as long as the broker may still have to say something', () => {
    expect(title({ vehicle: null }, { since: { broker: NOW - 100, link: NOW } })).toBe('Looking for car1…');
  });

  test('was never there, and how to start it', () => {
    expect(say({ vehicle: null })).toMatchObject({
      title: 'car1 isn’t here',
      detail: expect.stringContaining('npm run vehicle -- --room car1'),
    });
  });

  test('is offline, since when', () => {
    expect(say({ vehicle: presence('offline') })).toMatchObject({
      tone: 'off',
      title: 'car1 is offline',
      detail: expect.stringContaining('1 min 0 s ago'),
    });
  });

  test('is lost, since its last telemetry', () => {
    const telemetry = { v: 1 as const, ts: NOW - 5_000, values: {} };
    expect(say({ vehicle: presence('lost'), telemetry })).toMatchObject({
      tone: 'danger',
      title: 'car1 is lost',
      detail: expect.stringContaining('5 s ago'),
    });
  });

  test('is there, and its offer is awaited', () => {
    expect(say({})).toEqual({ tone: 'fine', title: 'car1 is there, waiting for its offer…' });
    expect(say({}, { since: { broker: AGO, link: NOW - SLOW_MS - 1 } })).toMatchObject({ again: true });
  });
});

describe('the connection', () => {
  test('is being made', () => {
    expect(say({ link: live('connecting') })).toEqual({ tone: 'fine', title: 'Connecting to car1…' });
  });

  test('is still being made after 5 s, and what is known of it', () => {
    const verdict = verdictOf('checking');
    const slow = say({ link: live('connecting') }, { verdict, since: { broker: AGO, link: NOW - 7_000 } });
    expect(slow).toMatchObject({
      tone: 'careful',
      title: 'Still connecting to car1…',
      verdict,
      detail: 'For 7 s.',
      again: true,
    });
  });

  test('is being made again, and why the last one failed', () => {
    const failure = verdictOf('failed');
    const again = say({ link: live('connecting') }, { failure, since: { broker: AGO, link: NOW - 1_500 } });
    expect(again).toMatchObject({ title: 'Connecting to car1 again…', verdict: failure });
    expect(title({ link: live('connecting') }, { failure })).toBe('Connecting to car1…');
  });

  test('has failed, with the verdict in place of the clause', () => {
    const verdict = verdictOf('failed');
    const said = say({ link: { phase: 'ended', reason: 'failed', detail: 'no path' } }, { verdict });
    expect(said).toMatchObject({ tone: 'danger', verdict, again: true });
    expect(said?.detail).not.toContain('No path');
  });

  test('is interrupted', () => {
    expect(title({ link: live('restoring') }, { lastFrameAt: NOW - 10 })).toBe(
      'Connection interrupted, restoring…',
    );
  });

  describe('while it is interrupted, says', () => {
    const since = { broker: AGO, link: NOW - 600 };
    const detail = (view: Partial<RoomView>) => say({ link: live('restoring'), ...view }, { since })?.detail;

    test('since when and over what nothing has come, and that the car stops', () => {
      const path = { path: 'relay', protocol: 'udp', relayProtocol: 'tls' } as RoomView['path'];
      expect(detail({ path })).toMatch(
        /^Nothing has come over the path \(relayed · TLS\) for 1\.2 s\. The car stops/,
      );
      expect(detail({ path: null })).toMatch(/^Nothing has come for 1\.2 s\./);
    });

    test('what is tried', () => {
      expect(detail({})).toContain('The car is asked for another path.');
      const tried = {
        ...live('restoring'),
        replacement: newAttempt('0abcdefgh-0002', 1, true),
      } as Link;
      expect(detail({ link: tried })).toContain('other paths, which are being tried');
      expect(detail({ vehicle: presence('lost') })).toContain('doesn’t see the car');
      expect(detail({ broker: { state: 'offline', detail: '' } })).toContain(
        'broker can’t be reached either',
      );
    });

    test('that a new one is made when it can’t be mended', () => {
      const link: Link = { phase: 'ended', reason: 'failed', detail: 'this end has another address now' };
      expect(say({ link }, { since, interrupted: true })).toEqual({
        tone: 'careful',
        title: 'Making a new connection…',
        detail: 'This end has another address now. The car stands meanwhile.',
      });
    });
  });

  test.each([
    ['full', 'car1 has no place left', 'You get in by yourself'],
    ['refused', 'car1 has refused the session', 'Because'],
    ['replaced', 'car1 has been taken over', 'Its new agent'],
    ['failed', 'The connection to car1 has failed', 'tried again by itself'],
  ] as const)('has ended: %s, with the reason and what comes next', (reason, expected, next) => {
    const said = say({ link: { phase: 'ended', reason, detail: 'because' } });
    expect(said).toMatchObject({ title: expected, again: true });
    expect(said?.detail).toContain('Because');
    expect(said?.detail).toContain(next);
  });

  test('has ended because the car left', () => {
    const link: Link = { phase: 'ended', reason: 'left', detail: '' };
    expect(title({ link, vehicle: presence('offline') })).toBe('car1 is offline');
  });
});

describe('the picture', () => {
  const link = live('connected');

  test('is live: there is nothing to say', () => {
    expect(say({ link }, { lastFrameAt: NOW - FROZEN_MS + 1 })).toBeNull();
  });

  test('has not come yet', () => {
    expect(title({ link })).toBe('Connected, waiting for the picture…');
    expect(say({ link }, { since: { broker: AGO, link: NOW - SLOW_MS - 1 } })?.again).toBe(true);
  });

  test('stands still', () => {
    const since = { broker: AGO, link: AGO };
    expect(say({ link }, { since, lastFrameAt: NOW - 1_200 })).toMatchObject({
      tone: 'danger',
      title: 'The picture stands still',
      detail: expect.stringContaining('1.2 s'),
    });
  });

  test('is not taken for live after a new connection', () => {
    expect(title({ link }, { since: { broker: AGO, link: NOW - 10 }, lastFrameAt: NOW - 9_000 })).toBe(
      'Connected, waiting for the picture…',
    );
  });
});

test('no state is without a sentence, and no title has a number that runs', () => {
  const brokers: RoomView['broker'][] = [
    { state: 'connecting' },
    { state: 'connected' },
    { state: 'offline', detail: 'connection refused' },
    { state: 'refused', detail: 'no' },
    { state: 'closed' },
  ];
  const reasons = ['left', 'replaced', 'refused', 'full', 'failed'] as const;
  const links: Link[] = [
    { phase: 'waiting' },
    { phase: 'retrying', detail: '' },
    live('connecting'),
    live('connected'),
    live('restoring'),
    ...reasons.map((reason): Link => ({ phase: 'ended', reason, detail: '' })),
  ];
  const vehicles = [null, presence('online'), presence('offline'), presence('lost')];
  for (const broker of brokers) {
    for (const link of links) {
      for (const vehicle of vehicles) {
        const said = say({ broker, link, vehicle }, { room: 'car' });
        expect(said?.title).toMatch(/^\S.{5,}$/);
        expect(said?.title).not.toMatch(/\d/);
      }
    }
  }
});
