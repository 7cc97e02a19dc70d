/** What is compared: each system's video, from a car that drives to an operator's page. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { trust } from '../../network/console.ts';
import type { Host, Lab } from '../../network/lab.ts';
import { startServer, startVehicle } from '../../network/product.ts';
import { probeScript } from '../probe.ts';

const NODE = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url));
const LIBWEBRTC = fileURLToPath(new URL('./libwebrtc.ts', import.meta.url));
/** Round and round, or the car leaves the town, and fields need few bits. */
const STEER_MS = { on: 250, off: 700 };

export interface System {
  name: string;
  /** Shows the moving picture, with the probe in it. */
  page: Page;
  close(): Promise<void>;
}

export interface Place {
  lab: Lab;
  car: Host;
  operator: Host;
  /** Upper limit of the video, kbit/s. */
  ceiling: number;
}

export const SYSTEMS: Record<string, (place: Place) => Promise<System>> = { plntry, libwebrtc };

async function plntry({ lab, car, operator, ceiling }: Place): Promise<System> {
  const server = await startServer(await lab.publicHost('server'));
  const vehicle = await startVehicle(car, { server, args: ['--kbps', String(ceiling)] });
  const browser = await operator.chromium(trust(server));
  const page = await browser.newPage();
  await page.addInitScript(await probeScript());
  await page.goto(`${server.url}/rooms/car1`);
  await page.locator('video[data-live="true"]').waitFor();
  await page.keyboard.down('KeyW');
  let steering = true;
  const steer = async () => {
    while (steering) {
      await page.keyboard.press('KeyA', { delay: STEER_MS.on });
      // A car that has stopped by itself wants a throttle that is pressed anew.
      await page.keyboard.up('KeyW');
      await page.keyboard.down('KeyW');
      await sleep(STEER_MS.off);
    }
  };
  const steered = steer();
  return {
    name: 'plntry',
    page,
    async close() {
      steering = false;
      await steered;
      await browser.close();
      await vehicle.stop();
      await server.stop();
    },
  };
}

/** libwebrtc in Node; it drives by itself. */
async function libwebrtc({ car, operator, ceiling }: Place): Promise<System> {
  const child = car.spawn(NODE, [LIBWEBRTC, String(ceiling)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error('the sender has no pipes');
  const [offer] = (await once(createInterface(stdout), 'line')) as [string];
  const browser = await operator.chromium();
  const page = await browser.newPage();
  await page.addInitScript(await probeScript());
  await page.goto('about:blank');
  stdin.write(`${await page.evaluate(receive, offer)}\n`);
  await page.waitForFunction(() => globalThis.seen.firstFrameAt !== null);
  return {
    name: 'libwebrtc',
    page,
    async close() {
      await browser.close();
      child.kill();
    },
  };
}

/** On a page: shows the video of an offer, as soon as it comes. @returns the answer */
async function receive(offer: string): Promise<string> {
  const video = document.body.appendChild(document.createElement('video'));
  video.muted = true;
  video.style.width = '100%';
  const connection = new RTCPeerConnection();
  connection.ontrack = ({ track, receiver }) => {
    receiver.jitterBufferTarget = 0;
    video.srcObject = new MediaStream([track]);
    void video.play();
  };
  await connection.setRemoteDescription(JSON.parse(offer));
  await connection.setLocalDescription(await connection.createAnswer());
  await new Promise<void>((resolve) => {
    connection.onicegatheringstatechange = () => {
      if (connection.iceGatheringState === 'complete') resolve();
    };
  });
  return JSON.stringify(connection.localDescription);
}
