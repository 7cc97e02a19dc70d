/**
 * libwebrtc (npm @roamhq/wrtc) as the car: the simulated camera's pictures as a video track, in VP8, as it
 * comes without H.264. It prints its offer as a line of JSON and reads the answer as one; candidates are in
 * them. Its argument is the upper limit of its rate, kbit/s.
 */
import { createInterface } from 'node:readline';
import wrtc from '@roamhq/wrtc';
import { createSimulatedDriver } from '../../../vehicle/simulated/driver.ts';
import { readPose } from '../../../vehicle/simulated/pose.ts';
import { createScene } from '../../../vehicle/simulated/scene.ts';

const { RTCPeerConnection, RTCSessionDescription } = wrtc;
const { RTCVideoSource, rgbaToI420 } = wrtc.nonstandard;
const FPS = 30;
const SIZE = { width: 640, height: 480 };
const PICTURE_BYTES = (SIZE.width * SIZE.height * 3) / 2;
const DECIDE_MS = 20;

const ceiling = process.argv[2];
const driver = createSimulatedDriver();
const scene = createScene(SIZE.width, SIZE.height);
const source = new RTCVideoSource();
const connection = new RTCPeerConnection();
connection.addTransceiver(source.createTrack(), { direction: 'sendonly' });

const FOREVER = { releaseIn: 1e9, brakeIn: 1e9 };
setInterval(() => driver.apply({ steer: 0.15, throttle: 1, brake: 0, gear: 'D' }, FOREVER), DECIDE_MS);
setInterval(() => {
  scene.render(readPose(driver.pose), Date.now());
  const rgba = { ...SIZE, data: new Uint8Array(scene.canvas.data()) };
  const i420 = { ...SIZE, data: new Uint8Array(PICTURE_BYTES) };
  rgbaToI420(rgba, i420);
  source.onFrame(i420);
}, 1000 / FPS);

await connection.setLocalDescription(await connection.createOffer());
await new Promise<void>((resolve) => {
  connection.addEventListener('icegatheringstatechange', () => {
    if (connection.iceGatheringState === 'complete') resolve();
  });
});
console.log(JSON.stringify(connection.localDescription));
for await (const line of createInterface(process.stdin)) {
  const { type, sdp } = JSON.parse(line);
  // Its own ceiling for a picture of this size is 1.7 Mbit/s.
  const raised = sdp.replace(/(m=video.*\r\nc=.*\r\n)/, `$1b=AS:${ceiling}\r\n`);
  await connection.setRemoteDescription(new RTCSessionDescription({ type, sdp: raised }));
}
