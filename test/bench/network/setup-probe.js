/**
 * What the benchmark puts into an operator's page before its own scripts run, whichever system's page
 * it is: when the click came, when the first data channel was open, when the first frame was decoded.
 */
const seen = { clickAt: null, channelAt: null, firstFrameAt: null };
globalThis.seen = seen;

// A touch or a mouse button goes down first; a click counts as done when it is released.
document.addEventListener(
  'click',
  () => {
    seen.clickAt ??= performance.now();
  },
  true,
);

function watchChannel(channel) {
  const opened = () => {
    seen.channelAt ??= performance.now();
  };
  if (channel.readyState === 'open') opened();
  channel.addEventListener('open', opened);
}

const create = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (...all) {
  const channel = create.apply(this, all);
  watchChannel(channel);
  return channel;
};
const Native = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Native {
  constructor(...all) {
    super(...all);
    this.addEventListener('datachannel', ({ channel }) => watchChannel(channel));
  }
};

const known = new WeakSet();
new MutationObserver(() => {
  for (const video of document.querySelectorAll('video')) {
    if (known.has(video)) continue;
    known.add(video);
    video.requestVideoFrameCallback(() => {
      seen.firstFrameAt ??= performance.now();
    });
  }
}).observe(document, { childList: true, subtree: true });
