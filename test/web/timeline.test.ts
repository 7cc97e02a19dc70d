/** Recordings of sessions: what is kept, the rows that come of it, and files. */
import { describe, expect, test } from 'vitest';
import type { Incoming } from '../../shared/bus.ts';
import type { Link } from '../../shared/negotiation.ts';
import { NOTHING_REPORTED } from '../../shared/report.ts';
import { NOTHING_KNOWN, type RoomView } from '../../shared/room-view.ts';
import { fileName, fileText, readFile } from '../../web/timeline/file.ts';
import { outcomeOf } from '../../web/timeline/outcome.ts';
import { createRecorder, MAX_ENTRIES, MAX_RECORDINGS, type Recording } from '../../web/timeline/recording.ts';
import { createRedaction } from '../../web/timeline/redact.ts';
import { rowsOf, vehicleClock } from '../../web/timeline/rows.ts';
import { testClock } from '../helpers/clock.ts';

const S1 = '0mwtfsedn-0001';
const S2 = '0mwtfsedn-0002';
const SDP = [
  'v=0',
  'o=- 1 2 IN IP4 192.0.2.7',
  'a=ice-ufrag:ufrag',
  'a=ice-pwd:hush-hush-hush-hush-hush',
  'a=fingerprint:sha-256 AA:BB:CC',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 0.0.0.0',
  'a=candidate:1 1 udp 2116026367 192.0.2.7 5000 typ host',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  '',
].join('\r\n');
const CANDIDATE = 'candidate:2 1 udp 1686052607 203.0.113.9 6000 typ srflx raddr 192.0.2.7 rport 5000';

/** The vehicle's clock is ahead by this, ms. */
const AHEAD = 5_000;

/** One operator's end as the recorder sees it, on a clock of the test. */
function start(clock = testClock(), recorder = createRecorder(clock, () => {}), operator = 'op-1') {
  const watch = recorder.watch('car1', operator);
  let view: RoomView = NOTHING_KNOWN;
  const change = (next: Partial<RoomView>) => {
    const before = view;
    view = { ...view, ...next };
    watch.view(view, before);
  };
  const ts = () => clock.now() + AHEAD;
  return {
    clock,
    recorder,
    watch,
    change,
    link: (link: object) => change({ link: link as Link }),
    hears(kind: string, message: object | null, { ms = 0, retained = false, from = 'car1' } = {}) {
      const topic =
        kind === 'presence' ? { kind, room: 'car1', peer: from } : { kind, room: 'car1', from, to: operator };
      const sent = message && { v: 1, ts: ts() - ms, ...message };
      watch.came({ kind, topic, message: sent, retained, bytes: 100 } as Incoming);
    },
    says(kind: 'presence' | 'sdp' | 'ice' | 'bye' | 'report', body: object, reached = true) {
      watch.sent(kind, JSON.stringify({ v: 1, ts: clock.now(), ...body }), reached);
    },
  };
}

/** A session from the click to connected. */
async function connected() {
  const end = start();
  const { clock, change, link, hears, says } = end;
  change({ broker: { state: 'connected' } });
  says('presence', { state: 'online', role: 'operator', epoch: 1 });
  await clock.pass(20);
  hears('presence', { state: 'online', role: 'vehicle', epoch: 1 }, { retained: true });
  hears('sdp', { session: S1, seq: 1, type: 'offer', sdp: SDP }, { ms: 10 });
  link({ phase: 'connecting', session: S1 });
  await clock.pass(10);
  says('sdp', { session: S1, seq: 1, type: 'answer', sdp: SDP });
  says('ice', { session: S1, candidates: [{ candidate: CANDIDATE }], done: true });
  await clock.pass(100);
  const states = [{ at: clock.now() + AHEAD - 5, of: 'dtls' as const, state: 'connected' }];
  const there = { ...NOTHING_REPORTED, states };
  hears('report', { session: S1, ...there });
  change({ reports: { session: S1, here: NOTHING_REPORTED, there } });
  link({ phase: 'connected', session: S1 });
  return end;
}

const newest = ({ recorder }: { recorder: { recordings: readonly Recording[] } }) => {
  const [first] = recorder.recordings;
  if (!first) throw new Error('nothing was recorded');
  return first;
};
const titles = (recording: Recording) => rowsOf(recording).map(({ title }) => title);

describe('what is kept', () => {
  test('a session with all of its messages and states, in order', async () => {
    const recording = newest(await connected());
    expect(recording).toMatchObject({ room: 'car1', operator: 'op-1', session: S1, leftOut: 0 });
    expect(titles(recording)).toEqual([
      'Connection to the broker: connected',
      'Operator online',
      'Vehicle online',
      'Offer',
      'Session: connecting',
      'Answer',
      'Candidate: srflx',
      'DTLS: connected',
      'Report',
      'Session: connected',
    ]);
  });

  test('other operators, telemetry and the lease are no part of it', () => {
    const end = start();
    end.hears('presence', { state: 'online', role: 'operator' }, { from: 'op-2' });
    end.hears('telemetry', { values: {} });
    end.hears('lease', { holder: null });
    end.hears('sdp', { session: S1, type: 'offer', seq: 1, sdp: SDP }, { from: 'op-2' });
    expect(end.recorder.recordings).toEqual([]);
  });

  test('a message that was of no use is there with the reason; commands are not', async () => {
    const end = await connected();
    end.watch.dropped('sdp', 'sdp: is not SDP');
    end.watch.dropped('control', 'a late command');
    expect(rowsOf(newest(end)).at(-1)).toMatchObject({
      title: 'Description dropped',
      detail: 'sdp: is not SDP',
    });
    expect(titles(newest(end))).toHaveLength(11);
  });

  test('a session that takes the place of another begins with its own offer', async () => {
    const end = await connected();
    end.hears('sdp', { session: S2, seq: 1, type: 'offer', sdp: SDP });
    end.link({ phase: 'connecting', session: S2 });
    // What still comes of the old one belongs to the old one.
    end.hears('bye', { session: S1, reason: 'replaced' });
    expect(end.recorder.recordings.map(({ session }) => session)).toEqual([S2, S1]);
    expect(titles(newest(end))).toEqual(['Offer', 'Session: connecting']);
    expect(titles(end.recorder.recordings[1] as Recording).at(-1)).toBe('Bye: replaced');
  });

  test('after a session is over, the next begins with whoever came for it', async () => {
    const end = await connected();
    end.hears('bye', { session: S1, reason: 'left' });
    end.link({ phase: 'ended', reason: 'left', detail: '' });
    end.hears('presence', { state: 'offline', role: 'vehicle' });
    await end.clock.pass(60_000);
    end.hears('presence', { state: 'online', role: 'vehicle' });
    // As long as no session has come of it, it is what happened after the last one.
    expect(end.recorder.recordings).toHaveLength(1);
    expect(titles(newest(end)).slice(-2)).toEqual(['Vehicle offline', 'Vehicle online']);
    end.hears('sdp', { session: S2, seq: 1, type: 'offer', sdp: SDP });
    end.link({ phase: 'connecting', session: S2 });
    expect(end.recorder.recordings.map(({ session }) => session)).toEqual([S2, S1]);
    expect(titles(newest(end))).toEqual(['Vehicle online', 'Offer', 'Session: connecting']);
  });

  test('an end that never showed itself leaves nothing, one that waited in vain leaves that', () => {
    const unseen = start();
    unseen.hears('presence', { state: 'online', role: 'vehicle' }, { retained: true });
    unseen.watch.close();
    expect(unseen.recorder.recordings).toEqual([]);
    const waiting = start();
    waiting.says('presence', { state: 'online' });
    waiting.watch.close();
    expect(outcomeOf(newest(waiting)).text).toBe('No session: the vehicle has offered none.');
  });

  test('the last few sessions, each with as much as has room: how it began, and how it ended', async () => {
    const { recorder, clock } = start();
    for (let index = 0; index < MAX_RECORDINGS + 3; index++) {
      const end = start(clock, recorder, `op-${index}`);
      end.says('presence', { state: 'online' });
      end.watch.close();
    }
    expect(recorder.recordings).toHaveLength(MAX_RECORDINGS);
    expect(recorder.recordings[0]?.operator).toBe(`op-${MAX_RECORDINGS + 2}`);
    const long = await connected();
    for (let index = 0; index < 3 * MAX_ENTRIES; index++)
      long.says('ice', { session: S1, candidates: [], done: true });
    long.link({ phase: 'ended', reason: 'failed', detail: 'the end' });
    const recording = newest(long);
    expect(recording.entries).toHaveLength(MAX_ENTRIES);
    expect(recording.leftOut).toBeGreaterThan(2 * MAX_ENTRIES);
    expect(titles(recording)).toContain('Offer');
    expect(titles(recording).at(-1)).toBe('Session: ended');
  });
});

describe('rows', () => {
  test('arrows lead from who spoke to who heard, with seq, size and time on the way', async () => {
    const end = await connected();
    end.change({ clock: { offset: AHEAD, rtt: 2 } });
    const recording = newest(end);
    const row = (title: string) => rowsOf(recording).find((one) => one.title === title);
    expect(row('Offer')).toMatchObject({
      at: 20,
      from: 'vehicle',
      to: 'operator',
      detail: 'seq 1, video and application · 100 B · 10 ms on its way',
    });
    expect(row('Answer')).toMatchObject({ at: 30, after: 10, from: 'operator', to: 'vehicle' });
    expect(row('Vehicle online')).toMatchObject({
      from: 'broker',
      detail: '100 B · the broker had it stored',
    });
    expect(row('DTLS: connected')).toMatchObject({ from: 'vehicle', to: 'vehicle', tone: 'fine' });
  });

  test('what could not be sent goes nowhere, and says so', () => {
    const end = start();
    end.says('presence', { state: 'online' }, false);
    expect(rowsOf(newest(end))[0]).toMatchObject({
      reached: false,
      to: 'broker',
      tone: 'danger',
      detail: expect.stringContaining('not sent: no connection to the broker'),
    });
  });

  test('the vehicle’s clock is taken as measured, or else from what must have been before what', async () => {
    const end = await connected();
    // Its report can't have come before it left (5,000 ms at least), nor the offer have left before the
    // operator was there (5,010 ms at most).
    expect(vehicleClock(newest(end))).toEqual({ offset: 5_005, by: 'estimated' });
    end.change({ clock: { offset: 4_998, rtt: 4 } });
    expect(vehicleClock(newest(end))).toEqual({ offset: 4_998, by: 'measured' });
    const nothing = start();
    nothing.says('presence', { state: 'online' });
    expect(vehicleClock(newest(nothing))).toEqual({ offset: 0, by: 'unknown' });
  });
});

describe('the outcome', () => {
  test('connected, and after how long', async () => {
    expect(outcomeOf(newest(await connected()))).toEqual({ tone: 'fine', text: 'Connected after 130 ms.' });
  });

  test('looked for another path, and over', async () => {
    const end = await connected();
    end.link({ phase: 'restoring', session: S1 });
    end.link({ phase: 'connected', session: S1 });
    expect(outcomeOf(newest(end)).text).toBe('Connected after 130 ms, and looked for another path once.');
    await end.clock.pass(90_000);
    end.link({ phase: 'ended', reason: 'failed', detail: 'nothing was heard.' });
    expect(outcomeOf(newest(end))).toEqual({
      tone: 'careful',
      text: 'Connected after 130 ms, over after 1 min 30.0 s: nothing was heard.',
    });
  });

  test('not connected, and where it ended', async () => {
    const end = start();
    end.says('presence', { state: 'online' });
    end.hears('sdp', { session: S1, seq: 1, type: 'offer', sdp: SDP });
    end.link({ phase: 'connecting', session: S1 });
    expect(outcomeOf(newest(end)).text).toBe('Not connected so far.');
    await end.clock.pass(16_100);
    end.link({ phase: 'ended', reason: 'failed', detail: 'no path was found between the two' });
    expect(outcomeOf(newest(end))).toEqual({
      tone: 'danger',
      text: 'Not connected; given up after 16.1 s: no path was found between the two.',
    });
  });
});

describe('a file', () => {
  const saved = async (keepAddresses: boolean) => {
    const recording = newest(await connected());
    return { recording, text: fileText(recording, keepAddresses, 1_800_000_100_000) };
  };

  test('has no passwords, no fingerprints, and addresses only when they are wanted', async () => {
    const { text } = await saved(false);
    expect(JSON.parse(text)).toMatchObject({
      format: 'plntry-timeline',
      version: 1,
      savedAt: 1_800_000_100_000,
    });
    expect(text).not.toMatch(/hush|AA:BB|192\.0\.2\.7|203\.0\.113\.9/);
    // The same address has the same name everywhere.
    expect(text).toContain('typ srflx raddr [address 1] rport');
    expect(text).toContain('2116026367 [address 1] 5000 typ host');
    expect(text).toContain('a=ice-ufrag:ufrag');
    const withAddresses = (await saved(true)).text;
    expect(withAddresses).not.toMatch(/hush|AA:BB/);
    expect(withAddresses).toContain('203.0.113.9 6000 typ srflx');
  });

  test('has no address of a server either, and its name stays', () => {
    const hide = createRedaction(false);
    expect(hide('turn:203.0.113.5:3478?transport=udp')).toBe('turn:[address 1]:3478?transport=udp');
    expect(hide('stun:[2001:db8::1]:3478')).toBe('stun:[address 2]:3478');
    expect(hide('turns:turn.example.org:443')).toBe('turns:turn.example.org:443');
    expect(createRedaction(true)('stun:203.0.113.5')).toBe('stun:203.0.113.5');
  });

  test('opens as what was saved', async () => {
    const { recording, text } = await saved(false);
    const read = readFile(text);
    if (!('recording' in read)) throw new Error(read.problem);
    expect(rowsOf(read.recording).map(({ title, at, detail }) => [title, at, detail])).toEqual(
      rowsOf(recording).map(({ title, at, detail }) => [title, at, detail]),
    );
    expect(outcomeOf(read.recording)).toEqual(outcomeOf(recording));
    expect(fileName(read.recording)).toBe('plntry-car1-2027-01-15-080000.json');
  });

  const good = async () => JSON.parse((await saved(false)).text);
  test.each<[string, (file: Record<string, unknown>) => unknown, string]>([
    ['another format', () => ({ hello: 1 }), 'This file is no timeline of plntry.'],
    ['nothing', () => null, 'This file is no timeline of plntry.'],
    ['a list', () => [], 'This file is no timeline of plntry.'],
    [
      'a later version',
      (file) => ({ ...file, version: 2 }),
      'This timeline is of version 2; this page reads version 1.',
    ],
    ['no entries', ({ entries: _, ...file }) => file, 'This timeline is damaged at entries: '],
    [
      'an entry of no kind',
      (file) => ({ ...file, entries: [{ type: 'x' }] }),
      'This timeline is damaged at entries.0: ',
    ],
    ['a time before time', (file) => ({ ...file, startedAt: -1 }), 'This timeline is damaged at startedAt: '],
    [
      'a time after time',
      (file) => ({ ...file, startedAt: 1e300 }),
      'This timeline is damaged at startedAt: ',
    ],
    [
      'more entries than a recording has',
      (file) => ({ ...file, entries: Array(MAX_ENTRIES + 1).fill((file.entries as unknown[])[0]) }),
      'This timeline is damaged at entries: ',
    ],
  ])('with %s is refused in one sentence', async (_name, spoil, sentence) => {
    const read = readFile(JSON.stringify(spoil(await good())));
    expect('problem' in read ? read.problem : 'it was taken').toMatch(new RegExp(`^${literally(sentence)}`));
  });

  test('with a message that is nested without end is refused', async () => {
    const { text } = await saved(false);
    const deep = `${`{"a":`.repeat(5_000)}0${'}'.repeat(5_000)}`;
    expect(readFile(text.replace('"entries": [', `"deep": ${deep}, "entries": [`))).toEqual({
      problem: 'This timeline is damaged: it is nested too deeply.',
    });
  });

  test('that is not JSON, or endless, is refused', () => {
    expect(readFile('<html>')).toEqual({ problem: 'This file is no timeline: it is not JSON.' });
    expect(readFile(' '.repeat(8_000_001))).toEqual({ problem: 'This file is too large for a timeline.' });
  });

  test('whose messages are nonsense is shown all the same', async () => {
    const file = await good();
    for (const entry of file.entries)
      if (entry.type === 'message') entry.message = { type: 7, candidates: [null, {}] };
    const read = readFile(JSON.stringify(file));
    if (!('recording' in read)) throw new Error(read.problem);
    expect(rowsOf(read.recording).length).toBeGreaterThan(8);
  });
});

const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
