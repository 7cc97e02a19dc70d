/** Formatting, addresses, and the words of status and vehicle page. */
import { describe, expect, test } from 'vitest';
import type { Link as LinkMessage } from '../../shared/messages.ts';
import { NOTHING_REPORTED, type PeerReport } from '../../shared/report.ts';
import type { RoomView } from '../../shared/room-view.ts';
import type { Path as Ends } from '../../shared/verdict.ts';
import { brokerUrl } from '../../web/broker-url.ts';
import { claimNotice, whoDrives } from '../../web/console/claim.ts';
import { HISTORY_S, latencyTone, median, NO_HISTORY, remember, together } from '../../web/console/latency.ts';
import { endsWords, linkWords, reducedWords } from '../../web/console/link-words.ts';
import { reportRows } from '../../web/console/panel/report-rows.ts';
import { extend, metres, positionOf } from '../../web/console/panel/track.ts';
import { ago, bitRate, bytes, duration, fixed } from '../../web/format.ts';
import { routeOf } from '../../web/routes.ts';
import { cameraProblem } from '../../web/vehicle/camera.ts';
import { motionValues, positionValues } from '../../web/vehicle/sensors.ts';
import { vehicleWords } from '../../web/vehicle/words.ts';

describe('formatting', () => {
  test('how long ago, in coarse steps', () => {
    expect([0, 59_999, 60_000, 3_600_000, 90_000_000].map(ago)).toEqual([
      'under a minute ago',
      'under a minute ago',
      '1 min ago',
      '1 h ago',
      '1 d ago',
    ]);
  });

  test('durations', () => {
    expect([-5, 4_900, 61_000, 3_700_000].map(duration)).toEqual(['0 s', '4 s', '1 min 1 s', '1 h 1 min']);
  });

  test('numbers keep their decimals, have a real minus, and no negative zero', () => {
    expect(fixed(1.25, 1)).toBe('1.3');
    expect(fixed(-2, 1)).toBe('−2.0');
    expect(fixed(-0.01, 1)).toBe('0.0');
    expect(fixed(null)).toBe('–');
    expect(fixed(Number.NaN)).toBe('–');
  });

  test('bit rates and bytes', () => {
    expect([bitRate(null), bitRate(812.4), bitRate(1_849)]).toEqual(['–', '812 kbit/s', '1.8 Mbit/s']);
    expect([0, 999, 1_500, 2_000_000].map(bytes)).toEqual(['0 B', '999 B', '1.5 kB', '2.0 MB']);
  });
});

describe('addresses', () => {
  test.each([
    ['/', { page: 'fleet' }],
    ['/rooms/car1', { page: 'console', room: 'car1' }],
    ['/rooms/car1/', { page: 'console', room: 'car1' }],
    ['/rooms/Car1', { page: 'unknown', path: '/rooms/Car1' }],
    ['/rooms/', { page: 'unknown', path: '/rooms/' }],
    ['/vehicle/phone1', { page: 'vehicle', room: 'phone1', wanted: 'phone1' }],
    ['/vehicle', { page: 'vehicle', room: null, wanted: '' }],
    ['/vehicle/My%20Phone', { page: 'vehicle', room: null, wanted: 'My Phone' }],
    ['/vehicle/%E0', { page: 'vehicle', room: null, wanted: '%E0' }],
    ['/a/b/c', { page: 'unknown', path: '/a/b/c' }],
  ])('%s', (path, route) => {
    expect(routeOf(path)).toEqual(route);
  });

  test('the broker is on this server, or where it says', () => {
    expect(brokerUrl('/mqtt', { protocol: 'https:', host: 'a.example' })).toBe('wss://a.example/mqtt');
    expect(brokerUrl('/mqtt', { protocol: 'http:', host: 'localhost:80' })).toBe('ws://localhost:80/mqtt');
    expect(brokerUrl('wss://b.example', { protocol: 'https:', host: 'a' })).toBe('wss://b.example');
  });
});

describe('the link', () => {
  test('its path in words', () => {
    expect(linkWords({ path: 'host', protocol: 'udp' }, 'connected')).toBe('direct · UDP');
    const relayed = { path: 'relay', protocol: 'udp', relayProtocol: 'tls' } as const;
    expect(linkWords(relayed, 'connected')).toBe('relayed · TLS');
    expect(linkWords(null, 'restoring')).toBe('interrupted');
    expect(linkWords(null)).toBe('no connection');
  });

  test('each end’s own way to its relay', () => {
    const host = { type: 'host', protocol: 'udp', family: 'IPv4' } as const;
    const relay = (relayProtocol: 'udp' | 'tls') => ({ ...host, type: 'relay', relayProtocol }) as const;
    const words = (operator: Ends['operator'], vehicle: Ends['vehicle'], kind: Ends['kind'] = 'relay') =>
      endsWords({ kind, operator, vehicle });
    expect(words(relay('tls'), relay('udp'))).toBe('relayed · you TLS, car UDP');
    expect(words(relay('udp'), relay('udp'))).toBe('relayed · UDP');
    expect(words(host, relay('tls'))).toBe('relayed · car TLS');
    expect(words(host, host, 'srflx')).toBe('direct, through NAT · UDP');
  });

  test('latency: the middle one, with a tone, and what is known of its two parts', () => {
    expect(median([9, 1, 2])).toBe(2);
    expect(median([])).toBeNull();
    expect([null, 200, 201, 401].map(latencyTone)).toEqual(['off', 'fine', 'careful', 'danger']);
    const known = [
      { picture: null, command: null },
      { picture: 40, command: null },
      { picture: null, command: 20 },
      { picture: 40, command: 20 },
    ];
    expect(known.map(together)).toEqual([null, 40, 20, 60]);
  });

  test('the history forgets what is too old', () => {
    const history = remember(remember(remember(NO_HISTORY, 0, 1), 30, null), HISTORY_S + 1, 3);
    expect(history).toEqual([
      [30, HISTORY_S + 1],
      [null, 3],
    ]);
  });
});

describe('a video that is reduced', () => {
  const reduced = { width: 320, height: 240, fps: 15, allowedKbps: 240 };
  const path = (over: object) => ({ path: 'srflx', protocol: 'udp', ...over }) as LinkMessage;

  test('is explained by the path, and a whole one not at all', () => {
    expect(reducedWords(path({ reduced }), undefined)).toBe(
      'Video reduced to 320 × 240, 15 /s: the path carries 240 kbit/s',
    );
    expect(reducedWords(path({}), undefined)).toBeNull();
    expect(reducedWords(null, undefined)).toBeNull();
  });

  test('is not blamed on the path where a budget limits it', () => {
    const relayed = path({ path: 'relay', reduced });
    expect(reducedWords(relayed, 240)).toBeNull();
    expect(reducedWords(relayed, 500)).toContain('the path carries');
    // All viewers see what one encoder makes.
    expect(reducedWords(path({ reduced }), 240)).toContain(
      'others watch over a relay, and its budget is used up',
    );
    expect(reducedWords(path({ reduced }), 500)).toContain('the path carries');
  });
});

describe('the table of what both ends have', () => {
  const report = (over: Partial<PeerReport>): PeerReport => ({ ...NOTHING_REPORTED, ...over });
  const host = { type: 'host', protocol: 'udp', family: 'IPv4' } as const;
  const turn = 'turn:turn.example.com:3478?transport=udp';
  const cells = (here: PeerReport | null, there: PeerReport | null) =>
    Object.fromEntries(
      reportRows(here, there).map(({ name, kind, here, there }) => [
        kind ? `${name} ${kind}` : name,
        [here.text, there.text],
      ]),
    );

  test('side by side: addresses, relays, each server once, and how far they came', () => {
    const here = report({
      gathered: [
        { ...host, family: 'mDNS' },
        { ...host, type: 'srflx' },
      ],
      servers: [{ url: turn, answer: 'refused', code: 401 }],
      states: [
        { at: 1, of: 'ice', state: 'checking' },
        { at: 2, of: 'ice', state: 'failed' },
      ],
    });
    const there = report({
      gathered: [host, { ...host, family: 'IPv6' }, { ...host, type: 'relay', relayProtocol: 'tls' }],
      servers: [
        { url: 'turn:turn.example.com', answer: 'ok', ms: 21.4 },
        { url: 'stun:stun.example.com', answer: 'unreachable', detail: 'no answer for 5 s' },
      ],
      states: [{ at: 1, of: 'ice', state: 'completed' }],
    });
    expect(cells(here, there)).toEqual({
      'Own addresses': ['hidden', 'IPv4, IPv6'],
      'As seen outside': ['IPv4', 'none'],
      Relays: ['none', 'TLS'],
      'turn.example.com:3478 TURN over UDP': ['refused (401)', '21 ms'],
      'stun.example.com:3478 STUN over UDP': ['not configured', 'no answer'],
      ICE: ['failed', 'connected'],
      DTLS: ['not begun', 'not begun'],
    });
  });

  test('an end that has said nothing is not known', () => {
    expect(
      Object.values(cells(null, null))
        .flat()
        .every((text) => text === '–'),
    ).toBe(true);
  });

  test('a relay that nobody needed is no reason to worry', () => {
    const tone = (answer: 'skipped' | 'refused') =>
      reportRows(report({ servers: [{ url: turn, answer }] }), null)[2]?.here.tone;
    expect([tone('skipped'), tone('refused')]).toEqual(['off', 'careful']);
  });
});

describe('who drives', () => {
  const view = (over: Partial<RoomView>) =>
    ({
      operators: {},
      lease: null,
      claim: { state: 'none' },
      broker: { state: 'connected' },
      link: { phase: 'connecting' },
      ...over,
    }) as RoomView;
  const held = { v: 1, ts: 1, holder: 'op-2', since: 1 } as const;
  const nothing = { letGo: null, heldBack: null };

  test('nobody, you, or somebody by name', () => {
    expect(whoDrives(view({}), 'op-1')).toBe('Nobody drives');
    expect(whoDrives(view({ claim: { state: 'held', lease: 1 } }), 'op-1')).toBe('You drive');
    expect(whoDrives(view({ lease: held }), 'op-1')).toBe('op-2 drives');
    const operators = { 'op-2': { name: 'Mira' } } as unknown as RoomView['operators'];
    expect(whoDrives(view({ lease: held, operators }), 'op-1')).toBe('Mira drives');
  });

  test('a denial says why, with the name of who drives', () => {
    const operators = { 'op-2': { name: 'Mira' } } as unknown as RoomView['operators'];
    const claim = { state: 'denied', reason: 'op-2 is driving' } as const;
    expect(claimNotice(view({ claim, lease: held, operators }), nothing, 'op-1')?.text).toBe(
      'You can’t drive now: Mira is driving.',
    );
  });

  test('letting go says why; driving says nothing', () => {
    const stopped = { ...nothing, letGo: 'Stopped.' };
    expect(claimNotice(view({}), stopped, 'op-1')?.text).toBe('Stopped.');
    const driving = view({ claim: { state: 'held', lease: 1 } });
    expect(claimNotice(driving, stopped, 'op-1')).toBeNull();
    expect(claimNotice(driving, { ...nothing, heldBack: 'Let go first.' }, 'op-1')?.text).toBe(
      'Let go first.',
    );
  });

  test('where there is no driving on, nobody is told to let go for it', () => {
    const held = { ...nothing, heldBack: 'Let go, then drive on.' };
    const refused = { state: 'refused', detail: 'your access has ended' } as const;
    expect(claimNotice(view({}), held, 'op-1')?.text).toBe('Let go, then drive on.');
    expect(claimNotice(view({ broker: refused }), held, 'op-1')).toBeNull();
    const ended = { phase: 'ended', reason: 'refused', detail: '' } as RoomView['link'];
    expect(claimNotice(view({ link: ended }), held, 'op-1')).toBeNull();
  });
});

describe('the track', () => {
  const at = (latitude: number) => ({ latitude, longitude: 13, heading: 0 });

  test('a position needs both coordinates, in range', () => {
    const telemetry = (latitude: unknown) =>
      ({
        values: { 'Vehicle.CurrentLocation.Latitude': latitude, 'Vehicle.CurrentLocation.Longitude': 13 },
      }) as never;
    expect(positionOf(telemetry(52))).toEqual({ latitude: 52, longitude: 13, heading: null });
    expect(positionOf(telemetry(99))).toBeNull();
    expect(positionOf(telemetry('52'))).toBeNull();
    expect(positionOf(null)).toBeNull();
  });

  test('grows with way, not with time', () => {
    const track = extend([], at(52));
    expect(extend(track, at(52))).toBe(track);
    expect(extend(track, at(52.0001))).toHaveLength(2);
    expect(metres(at(52), at(52.0001))).toBeCloseTo(11.1, 1);
  });
});

describe('a phone as the car', () => {
  test('says who sees and who drives before anything else', () => {
    const situation = {
      room: 'phone1',
      problem: null,
      broker: { state: 'connected' } as const,
      sessions: [],
      silent: [],
      holder: null,
      replaced: false,
    };
    const sessions = [{ peer: 'op-1', session: 'x', phase: 'connected' as const }];
    expect(vehicleWords(situation).title).toBe('Waiting to be called');
    expect(vehicleWords({ ...situation, sessions }).title).toBe('Seen by 1 operator');
    expect(vehicleWords({ ...situation, sessions, holder: 'op-1' }).title).toBe('Driven by op-1');
    const silent = { ...situation, sessions, silent: ['op-1'] };
    expect(vehicleWords(silent).title).toBe('Connection interrupted, restoring…');
    expect(vehicleWords({ ...silent, holder: 'op-1' })).toEqual({
      tone: 'danger',
      title: 'Nothing is heard of op-1, who drives',
      detail: 'Another path is being looked for. No command reaches this vehicle meanwhile.',
    });
    expect(
      vehicleWords({ ...situation, broker: { state: 'offline', detail: 'connection refused' } }).tone,
    ).toBe('danger');
    expect(vehicleWords({ ...situation, replaced: true }).title).toBe('Taken over');
  });

  test('each camera trouble has its own sentence', () => {
    const names = ['NotAllowedError', 'NotFoundError', 'NotReadableError', 'SecurityError', 'OtherError'];
    const sentences = names.map((name) => cameraProblem(new DOMException('', name)));
    expect(new Set(sentences).size).toBe(names.length);
    expect(sentences[3]).toContain('https');
  });

  test('movement in the axes of the car, however the screen is turned', () => {
    const turning = { alpha: 3, beta: 2, gamma: 1 };
    const ahead = { acceleration: { x: 0, y: 0, z: -2 }, rotationRate: turning };
    expect(motionValues(ahead, 0)).toEqual({
      'Vehicle.Acceleration.Longitudinal': 2,
      'Vehicle.Acceleration.Lateral': 0,
      'Vehicle.AngularVelocity.Yaw': 1,
    });
    expect(motionValues(ahead, 90)['Vehicle.AngularVelocity.Yaw']).toBe(2);
    expect(motionValues(ahead, 270)['Vehicle.AngularVelocity.Yaw']).toBe(-2);
    // To the left is −x upright, +y with the device turned to the left.
    const left = { acceleration: { x: -1, y: 1, z: 0 }, rotationRate: null };
    expect(motionValues(left, 0)['Vehicle.Acceleration.Lateral']).toBe(1);
    expect(motionValues(left, 90)['Vehicle.Acceleration.Lateral']).toBe(1);
    expect(motionValues({ acceleration: null, rotationRate: null }, 0)).toEqual({});
  });

  test('speed in km/h; no heading while it stands', () => {
    const values = positionValues({ latitude: 1, longitude: 2, accuracy: 3, heading: Number.NaN, speed: 10 });
    expect(values['Vehicle.Speed']).toBe(36);
    expect(values).not.toHaveProperty('Vehicle.CurrentLocation.Heading');
  });
});
