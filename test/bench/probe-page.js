/**
 * What the benchmark puts into a page before its own scripts run: it notes the click, the opening of
 * the control channel, the first decoded frame, every command's round trip, and reads the capture
 * time out of the pixels of every frame. Of the product it uses nothing but shared/timecode.ts, which
 * probe.ts puts in front of it.
 */
/* global readTimecode */
const seen = {
  clickAt: null,
  channelAt: null,
  firstFrameAt: null,
  roundTrips: [],
  // Reading pixels takes the page's time, so it is switched on for the frames that are wanted.
  reading: false,
  frames: [],
};
globalThis.seen = seen;
const sentAt = new Map();

const onClick = () => {
  seen.clickAt ??= performance.now();
};
document.addEventListener('click', onClick, true);

const create = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (label, options) {
  const channel = create.call(this, label, options);
  if (label !== 'control') return channel;
  channel.addEventListener('open', () => {
    seen.channelAt ??= performance.now();
  });
  channel.addEventListener('message', ({ data }) => {
    const { echo } = JSON.parse(data);
    const at = sentAt.get(echo);
    if (at === undefined) return;
    sentAt.delete(echo);
    seen.roundTrips.push(performance.now() - at);
  });
  return channel;
};

const send = RTCDataChannel.prototype.send;
RTCDataChannel.prototype.send = function (text) {
  if (this.label === 'control') sentAt.set(JSON.parse(text).t, performance.now());
  return send.call(this, text);
};

const canvas = new OffscreenCanvas(192, 16);
const context = canvas.getContext('2d', { willReadFrequently: true });

function watch(video) {
  const onFrame = () => {
    const now = performance.now();
    seen.firstFrameAt ??= now;
    video.requestVideoFrameCallback(onFrame);
    if (!seen.reading) return;
    // The code's size is that of the original picture, which may come smaller.
    const scale = video.videoWidth / 640;
    context.drawImage(video, 0, 0, 192 * scale, 16 * scale, 0, 0, 192, 16);
    const { data } = context.getImageData(0, 0, 192, 16);
    const wall = performance.timeOrigin + now;
    const brightness = (column, row) => data[((row * 8 + 4) * 192 + column * 8 + 4) * 4];
    const captured = readTimecode(brightness, wall);
    seen.frames.push({ at: wall, captured, width: video.videoWidth });
  };
  video.requestVideoFrameCallback(onFrame);
}

const known = new WeakSet();
new MutationObserver(() => {
  for (const video of document.querySelectorAll('video')) {
    if (known.has(video)) continue;
    known.add(video);
    watch(video);
  }
}).observe(document, { childList: true, subtree: true });
