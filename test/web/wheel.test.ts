/** Taking, holding and losing the wheel on the page, and what it says of how late the driver is. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { readTimecode, TIMECODE_SQUARE } from '../../shared/timecode.ts';
import { type CaptureSource, capturedAt } from '../../web/console/capture-time.ts';
import { median } from '../../web/console/latency.ts';
import { testOperator, testVehicle } from '../helpers/room.ts';
import { driveUntil, live, untilNumber, usePages } from './browser.ts';

const pages = usePages();

const NEUTRAL = { steer: 0, throttle: 0, brake: 0, gear: 'D' } as const;
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const DESK = { viewport: { width: 1440, height: 900 } };

/** In a page: the receivers of the connections that it makes. */
const keepReceivers = (page: Page) =>
  page.addInitScript(() => {
    const receivers: RTCRtpReceiver[] = [];
    Object.assign(window, { receivers });
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        this.addEventListener('track', ({ receiver }) => receivers.push(receiver));
      }
    };
  });

async function carAndPage(
  options?: Parameters<typeof pages.open>[1],
  before: (page: Page) => Promise<unknown> = async () => {},
) {
  const server = await pages.server();
  await testVehicle(server.mqttUrl);
  const other = testOperator(server.mqttUrl);
  await other.until('connected', ({ link }) => link.phase === 'connected');
  const page = await pages.open('about:blank', options);
  await before(page);
  await page.goto(`${server.webUrl}/rooms/car1`);
  await live(page);
  return { page, other };
}

test('the wheel is asked for, and handed over by who has it; a throttle that is held down means nothing to the next', async () => {
  const { page, other } = await carAndPage();
  await driveUntil(page, 5);
  other.request('handover');
  await page.getByText(`${other.id} asks for the wheel.`).waitFor();
  await button(page, 'Hand over').click();
  await other.until(
    'granted, and the car stands',
    ({ claim }, state) => claim.state === 'held' && state?.speed === 0,
  );
  await page.getByText(`You don’t drive any more: handed over to ${other.id}.`).waitFor();
  await page.keyboard.up('KeyW');
  other.hold(NEUTRAL);

  // And back: the page asks.
  await button(page, 'Ask for it').click();
  await page.getByText(`Please wait: ${other.id} is asked to hand over.`).waitFor();
  await page.keyboard.down('KeyW');
  await page.getByText('Let go of the throttle meanwhile.').waitFor();
  const speeds: number[] = [];
  other.onEveryState(({ speed }) => speeds.push(speed));
  other.handOver();
  await button(page, 'Release').waitFor();
  await page.getByText('Let go of the throttle').first().waitFor();
  const { length } = speeds;
  await other.until('a while', () => speeds.length > length + 20);
  expect(Math.max(...speeds)).toBe(0);
  await page.keyboard.up('KeyW');
  await driveUntil(page, 3);
  await page.keyboard.up('KeyW');
});

test('the driver keeps the wheel, or the one who asked thinks better of it', async () => {
  const { page, other } = await carAndPage();
  await driveUntil(page, 3);
  other.request('handover');
  await button(page, 'Keep it').click();
  await other.until('denied', ({ claim }) => claim.state === 'denied');
  await page.getByRole('alert').getByText('asks for the wheel').waitFor({ state: 'detached' });
  other.request('handover');
  await button(page, 'Keep it').waitFor();
  other.release();
  await button(page, 'Keep it').waitFor({ state: 'detached' });
  await page.keyboard.up('KeyW');
});

test('a supervisor takes the wheel', async () => {
  const { page, other } = await carAndPage(DESK);
  other.request();
  await other.until('granted', ({ claim }) => claim.state === 'held');
  other.hold({ ...NEUTRAL, throttle: 0.5 });
  await untilNumber(page, 'Speed', (kmh) => kmh > 5);
  await page.getByLabel(/I supervise/).check();
  await button(page, 'Take over').click();
  await button(page, 'Release').waitFor();
  await untilNumber(page, 'Speed', (kmh) => kmh === 0);
  expect(other.view.claim).toMatchObject({ state: 'revoked' });
});

test('a checkbox that has the focus keeps neither the brake nor the stop from the car', async () => {
  const { page, other } = await carAndPage(DESK);
  await driveUntil(page, 10);
  await page.getByLabel(/I supervise/).click();
  await page.keyboard.down('KeyS');
  await other.until('it brakes', (_, state) => (state?.brake ?? 0) > 0.5);
  await page.keyboard.up('KeyS');
  await page.keyboard.press('Space');
  await other.until('it is stopped', (_, state) => state?.safety === 'estopped');
  expect(await page.getByLabel(/I supervise/).isChecked()).toBe(true);
  await page.keyboard.up('KeyW');
});

test('a page that the browser freezes lets go with its last breath', async () => {
  const { page, other } = await carAndPage();
  await driveUntil(page, 5);
  // Headless Chromium takes the command to freeze a page, and does nothing.
  await page.evaluate(() => document.dispatchEvent(new Event('freeze')));
  await other.until('the car stands', ({ lease }, state) => lease?.holder === null && state?.speed === 0);
  await page.getByText('You let go of the wheel: the browser froze this page.').waitFor();
  await page.keyboard.up('KeyW');
});

test('a thumb that drives: it moves while it is down, and stops by being lifted', async () => {
  const { page, other } = await carAndPage({
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  const box = await page.getByRole('slider', { name: 'Throttle and brake' }).boundingBox();
  if (!box) throw new Error('no pedals');
  const cdp = await page.context().newCDPSession(page);
  const [x, top, middle] = [box.x + box.width / 2, box.y + 5, box.y + box.height / 2];
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y: middle }] });
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x, y: top }] });
  await other.until('it moves', (_, state) => (state?.speed ?? 0) > 2);
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await other.until('no throttle', (_, state) => state?.throttle === 0);
});

test('a car that is late is slower, and the page says how fast and why', async () => {
  const { page } = await carAndPage();
  // The picture that is shown is taken for older than it is.
  await page.evaluate(() => {
    const sources = RTCRtpReceiver.prototype.getSynchronizationSources;
    RTCRtpReceiver.prototype.getSynchronizationSources = function () {
      return sources.call(this).map((source) => ({
        ...source,
        rtpTimestamp: source.rtpTimestamp,
        captureTimestamp: ((source as unknown as { captureTimestamp: number }).captureTimestamp ?? 0) - 400,
      })) as RTCRtpSynchronizationSource[];
    };
  });
  await driveUntil(page, 5);
  await page.getByText(/^At most \d+ km\/h$/).waitFor();
  await page.getByText(/^The car goes at most \d+ km\/h: picture and command are \d+ ms late\.$/).waitFor();
  await page.keyboard.up('KeyW');
});

test('when a picture was taken, as its stream says, is what its own pixels say', async () => {
  const { page } = await carAndPage({}, keepReceivers);
  const shown = await page.locator('video').evaluate(async (video: HTMLVideoElement, side) => {
    const context = new OffscreenCanvas(192, 16).getContext('2d', { willReadFrequently: true });
    const { receivers } = window as unknown as { receivers: RTCRtpReceiver[] };
    const pictures: { rtpTimestamp?: number; sources: CaptureSource[]; bright: number[] }[] = [];
    while (context && pictures.length < 30) {
      const { rtpTimestamp } = await new Promise<VideoFrameCallbackMetadata>((resolve) =>
        video.requestVideoFrameCallback((_, metadata) => resolve(metadata)),
      );
      const sources = receivers.at(-1)?.getSynchronizationSources() as CaptureSource[];
      const scale = video.videoWidth / 640;
      context.drawImage(video, 0, 0, 192 * scale, 16 * scale, 0, 0, 192, 16);
      const { data } = context.getImageData(0, 0, 192, 16);
      const at = (square: number) =>
        ((Math.floor(square / 24) * side + side / 2) * 192 + (square % 24) * side + side / 2) * 4;
      pictures.push({
        ...(rtpTimestamp === undefined ? {} : { rtpTimestamp }),
        // What they say is in getters.
        sources: sources.map(({ rtpTimestamp, captureTimestamp }) => ({
          rtpTimestamp,
          captureTimestamp: captureTimestamp ?? null,
        })),
        bright: Array.from({ length: 48 }, (_, square) => data[at(square)] ?? 0),
      });
    }
    return pictures;
  }, TIMECODE_SQUARE);
  const apart = shown.flatMap(({ rtpTimestamp, sources, bright }) => {
    const pixels = readTimecode((column, row) => bright[row * 24 + column] ?? 0, Date.now());
    const stream = capturedAt(sources, rtpTimestamp);
    return pixels === null || stream === null ? [] : [Math.abs(stream - pixels)];
  });
  expect(apart.length).toBeGreaterThan(15);
  // A busy browser may show the next picture before it is drawn here, but not most of the time.
  expect(median(apart)).toBeLessThan(5);
});
