/** One page for all: `?system=peerjs&role=car&server=198.51.100.1`. */
import * as peerjs from './peerjs.js';
import * as trystero from './trystero.js';

const { system, role, server } = Object.fromEntries(new URLSearchParams(location.search));
const { car, operator } = { peerjs, trystero }[system];

/** Shows what comes, as the console does. */
function show(stream) {
  const video = document.createElement('video');
  Object.assign(video, { autoplay: true, muted: true, playsInline: true, srcObject: stream });
  document.body.append(video);
}

if (role === 'car') {
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
  await car(server, await navigator.mediaDevices.getUserMedia({ video, audio: false }));
} else {
  const { open, go } = operator(server, show);
  globalThis.openSignalling = open;
  document.querySelector('button').addEventListener('click', go);
}
document.documentElement.dataset.ready = 'true';
