/** Floods of an operator who has every right to be there, over its WebRTC connection with the car. */
import { CHANNELS, CLOCK_INTERVAL_MS } from '../../../../shared/channels.ts';
import { range } from '../../wire/raw.ts';
import type { VehicleAttack } from '../attack.ts';
import { comeIn, type Insider, repeat } from '../insider.ts';
import { EVENTS, halfChunk, MALFORMED, reportOfAll } from '../words.ts';

type Arrival = 'entered' | 'preparing';
type Rate = number | 'line';

/** How long floods go on, ms. */
const FULL_MS = 6_000;
const TEST_MS = 1_500;
/** Of a packet of 1,200 bytes: messages of each kind, and bytes of one. */
const TIMES = 18;
const COMMANDS = 9;
const EVENTS_AT_ONCE = 6;
const DATA_BYTES = 1_100;
/** RTCP at 4 kB/s. */
const REPORTS_A_SECOND = 80;

/** An operator comes, and what `prepare` returns is said again and again. */
function flood(
  what: string,
  arrival: Arrival,
  rate: Rate,
  prepare: (insider: Insider) => (count: number) => void,
  inTests: Arrival | null,
): VehicleAttack {
  const who = arrival === 'entered' ? 'one who has entered' : 'one who has not entered';
  const howOften = rate === 'line' ? 'as fast as it goes' : `${rate} a second`;
  return {
    name: `${who}: ${what}, ${howOften}`,
    // Of most, one of the two says enough for each day.
    size: { full: FULL_MS, test: inTests === arrival ? TEST_MS : null },
    async flood(front) {
      const insider = await comeIn(front, arrival);
      return repeat(prepare(insider), rate, insider.leave);
    },
  };
}

/** Of each packet, as many as fit. */
const sayTimes = (insider: Insider, atOnce: number) => () => {
  const now = Date.now();
  insider.say('events', ...range(atOnce).map(() => `{"type":"clock","ts":${now},"t":${now}}`));
};

const deafly = (atOnce: number) => (insider: Insider) => {
  insider.goDeaf();
  return sayTimes(insider, atOnce);
};

/** Every other chunk is missing: nothing of it can ever be handed on, and all of it has to be kept. */
const withHoles = (insider: Insider) => {
  const from = insider.nextTsn() + 1;
  return (n: number) => insider.chunks(halfChunk(from + 2 * n, CHANNELS.events.id, n + 2, DATA_BYTES));
};

const commands = (insider: Insider) => (n: number) => {
  const wanted = { steer: 1, throttle: 1, brake: 1, gear: 'R' };
  const [t, lease] = [Date.now(), n % 5];
  const texts = range(COMMANDS).map((index) =>
    JSON.stringify({ seq: n * COMMANDS + index, t, lease, ...wanted }),
  );
  insider.say('control', ...texts);
};

/** What becomes of the driver's video shows in the driver's figures. */
const pictureLoss = (insider: Insider) => () => {
  const packet = Buffer.alloc(12);
  packet.set([0x81, 206, 0, 2]);
  packet.writeUInt32BE(insider.videoSsrc(), 8);
  insider.rtcp(packet);
};

const events = (insider: Insider) => (n: number) => {
  const now = Date.now();
  insider.say('events', ...range(EVENTS_AT_ONCE).map((index) => JSON.stringify(eventOf(n + index, now))));
};

const eventOf = (n: number, now: number) => EVENTS[n % EVENTS.length]?.(now);

const malformed = (insider: Insider) => (n: number) =>
  insider.say(n % 2 ? 'events' : 'control', MALFORMED[(n >> 1) % MALFORMED.length] as string);

const reports = (insider: Insider) => (n: number) => insider.rtcp(reportOfAll(insider.videoSsrc(), n));

const BOTH: Arrival[] = ['preparing', 'entered'];

export const INSIDERS: VehicleAttack[] = BOTH.flatMap((arrival) => [
  // What the others are to be compared with: one more operator is one more to send video to.
  flood('nothing', arrival, 1, () => () => {}, null),
  flood('time asked for, no answer acknowledged', arrival, 1_000 / CLOCK_INTERVAL_MS, deafly(1), null),
  flood('time asked for, no answer acknowledged', arrival, 'line', deafly(TIMES), 'preparing'),
  flood('data with holes', arrival, 'line', withHoles, 'preparing'),
  flood('reports of 65,535 packets', arrival, REPORTS_A_SECOND, reports, null),
  flood('reports of 65,535 packets', arrival, 'line', reports, 'entered'),
  flood('events of every kind', arrival, 'line', events, 'entered'),
  flood('commands of one who does not drive', arrival, 'line', commands, 'entered'),
  flood('text that is no message', arrival, 'line', malformed, 'entered'),
  flood('pictures said to be lost', arrival, 'line', pictureLoss, 'entered'),
]);
