/** What must not stop the car, and what must not move it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { Traced } from '../../../vehicle/simulated/car.ts';
import { DELAY_MS } from '../faults.ts';
import { type Driving, driveAtSpeed, giveBack, keyUp } from './drive.ts';
import { lateness, type Outcome, type SafetyFault, traceSince } from './faults.ts';
import { appliedAfter, stopAfter } from './figures.ts';
import { isDone } from './marks.ts';

const DENIED = /can’t drive now: .* driving/;
const LONGER_MS = 300;
const POURED_MS = 1_000;
/** After it the drive goes on for so long without a hitch, ms. */
const AFTER_MS = 500;
/** An older command that moves the car was not one of the driver's at that moment, ms. */
const OLDEST_MS = 500;

/** What happened from a moment on. */
interface Happened {
  counts: Record<string, number>;
  problems: string[];
}

/** Something that whoever drives is not to feel. */
function undisturbed(
  name: string,
  strike: (driving: Driving) => Promise<Happened>,
  prepare?: (driving: Driving) => Promise<unknown>,
): SafetyFault {
  return {
    name,
    effect: 'none',
    async run(driving) {
      await prepare?.(driving);
      await driveAtSpeed(driving);
      const { heard } = driving.heard;
      const { page } = driving.console;
      const session = await driving.console.session();
      await page.evaluate(() => {
        probe.gap = 0;
      });
      heard.length = 0;
      const struckAt = Date.now();
      const { counts, problems } = await strike(driving);
      await sleep(AFTER_MS);
      const trace = traceSince(driving, struckAt);
      const gap = await page.evaluate(() => probe.gap);
      const leases = heard.filter(({ topic, text }) => topic.endsWith('/lease') && text.includes('null'));
      const applied = foreign(trace, struckAt);
      const all = [
        ...problems,
        ...applied,
        ...(leases.length > 0 ? ['the driver lost the wheel'] : []),
        ...((await driving.console.session()) === session ? [] : ['there is another session']),
      ];
      const hitches = interruptions(trace, struckAt).map(
        (what) => `${what}; the page paused for at most ${gap} ms`,
      );
      return {
        stop: stopAfter(trace, struckAt) ?? null,
        counts,
        applied: applied.length,
        problems: all,
        hitches,
        trace,
      };
    },
  };
}

/** Throttle off or brake on after that time, ms since the epoch. */
function interruptions(trace: Traced[], after: number): string[] {
  return trace
    .filter(isDone)
    .filter(({ at, throttle, brake }) => at >= after && (throttle === 0 || brake > 0))
    .map(({ at, throttle, brake }) => `${at - after} ms on: throttle ${throttle}, brake ${brake}`);
}

/** Commands of anybody but the driver, and such as are not of now. */
function foreign(trace: Traced[], after: number): string[] {
  return appliedAfter(trace, after)
    .filter(({ operator, at, sentAt }) => operator !== 'first' || at - sentAt > OLDEST_MS)
    .map(({ operator, at, sentAt }) => `applied: a command of the ${operator}, ${at - sentAt} ms old`);
}

export const UNDISTURBED: SafetyFault[] = [
  undisturbed('broker killed (-9)', async ({ server, heard }) => {
    await server.restart();
    // Both are there again, and announce the session that they have.
    await heard.message(/\/peers\/op-/, ({ state }) => state === 'online');
    await heard.message(/\/offer$/, ({ phase }) => phase === 'connected');
    return { counts: {}, problems: [] };
  }),
  {
    name: '300 ms of delay put into the path',
    effect: 'pauses',
    async run(driving) {
      await driveAtSpeed(driving);
      const { link } = driving.office;
      const from = driving.car.lines.length;
      const struckAt = Date.now();
      await link.set({ delayMs: { up: DELAY_MS + LONGER_MS, down: DELAY_MS } });
      await driving.car.until('it drives on', from, (lines) => {
        const off = stopAfter(lines, struckAt)?.release.at;
        return off && lines.some((line) => isDone(line) && line.throttle > 0 && line.at > off)
          ? off
          : undefined;
      });
      await sleep(AFTER_MS);
      const trace = traceSince(driving, struckAt);
      const stop = stopAfter(trace, struckAt) ?? null;
      await link.set({ delayMs: DELAY_MS });
      // All that was sent before comes in the same moment as what is sent now.
      await sleep(LONGER_MS + AFTER_MS);
      const hitches = stop ? lateness(stop) : [];
      if (stop?.brake) hitches.push('it braked');
      return { stop, counts: {}, problems: lengthened(trace, struckAt), hitches, trace };
    },
  },
  {
    name: 'two operators press at once',
    effect: 'none',
    run: twoPress,
  },
  undisturbed('a spectator sends commands', async (driving) => {
    const lease = await leaseOf(driving);
    const page = await secondPage(driving);
    const { sent, seen } = await page.evaluate(({ ms, lease }) => probe.intrude(ms, lease), {
      ms: POURED_MS,
      lease,
    });
    const problems = seen === 0 ? ['none of what the spectator sent has come'] : [];
    return { counts: { sent, seen }, problems };
  }),
  undisturbed('forged and replayed commands', async ({ console }) => {
    const counts = { ...(await console.page.evaluate((ms) => probe.forge(ms), POURED_MS)) };
    return { counts, problems: counts.seen === 0 ? ['none of what was forged has come'] : [] };
  }),
];

/** What must not be when the path has become longer: that the first to come counts. */
function lengthened(trace: Traced[], struckAt: number): string[] {
  const stop = stopAfter(trace, struckAt);
  const drove = appliedAfter(trace, 0).filter(({ throttle }) => throttle > 0);
  const next = drove.find(({ at }) => at > (stop?.release.at ?? Number.POSITIVE_INFINITY));
  const last = drove.findLast(({ at }) => at < (next?.at ?? 0));
  // At 50 a second the next is 20 ms after the last.
  const tooSoon = next && last && next.sentAt - last.sentAt < 30;
  return tooSoon ? ['the first command that came late was applied'] : [];
}

const leaseOf = ({ console: { page } }: Driving) => page.evaluate(() => probe.last?.lease ?? 0);

/** Of those that there are, since another picture to show takes some of the machine. */
const second = new WeakMap<Driving['console'], Page>();

async function secondPage(driving: Driving): Promise<Page> {
  const there = second.get(driving.console);
  if (there) return there;
  const page = await driving.secondOperator();
  second.set(driving.console, page);
  return page;
}

/** Nobody drives, and two want to: one does; then the other tries again. */
async function twoPress(driving: Driving): Promise<Outcome> {
  await giveBack(driving);
  const { car, heard, console } = driving;
  const pages = [console.page, await secondPage(driving)] as const;
  // What the last time came to is not this time's.
  for (const page of pages) await page.getByText(DENIED).waitFor({ state: 'hidden' });
  heard.heard.length = 0;
  const from = car.lines.length;
  const struckAt = Date.now();
  await Promise.all(pages.map((page) => page.keyboard.down('KeyW')));
  const denied = pages.map((page, index) =>
    page
      .getByText(DENIED)
      .waitFor()
      .then(() => index),
  );
  const loser = await Promise.race(denied);
  const [losing, winning] = loser === 0 ? pages : [pages[1], pages[0]];
  const moves = (lines: Traced[]) => lines.find((line) => line.speed > 1);
  await car.until('it moves', from, moves);
  // Once more, now that somebody drives.
  const again = Date.now();
  await losing.keyboard.up('KeyW');
  await losing.keyboard.down('KeyW');
  await losing.getByText(DENIED).waitFor();
  await sleep(AFTER_MS);
  const trace = traceSince(driving, struckAt);
  const holders = new Set(
    heard.heard
      .filter(({ topic }) => topic.endsWith('/lease'))
      .map(({ text }) => (JSON.parse(text) as { holder: string | null }).holder),
  );
  const problems = [];
  const drivers = new Set(appliedAfter(trace, struckAt).map(({ operator }) => operator));
  if (holders.size !== 1 || holders.has(null)) problems.push(`the wheel had ${[...holders].join(' and ')}`);
  if (drivers.size !== 1 || !drivers.has(loser === 0 ? 'second' : 'first'))
    problems.push(`what moved the car came from ${[...drivers].join(' and ')}`);
  for (const page of pages) await page.keyboard.up('KeyW');
  await winning.getByRole('button', { name: 'Release' }).click();
  await heard.message(/\/lease$/, ({ holder }) => holder === null);
  await keyUp(driving);
  const counts = { 'won by the first': loser === 1 ? 1 : 0 };
  return { stop: null, counts, problems, hitches: interruptions(trace, again), trace };
}
