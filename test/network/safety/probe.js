/**
 * What a page gets before its own scripts run. It marks every command with the moment at which it was sent, so that
 * the car's own trace says which commands moved it and how old they were, whatever the vehicle takes them for; see
 * marks.ts. And it can send what no page of the product sends. Nothing of the product is used.
 */
// Of the page, for its frames too.
window.top.probe ??= {
  /** −1 for a second operator. */
  sign: 1,
  /** The last command, and the last few seconds of them as texts with their times. */
  last: null,
  recent: [],
  /** Longest time between two commands since this was set to 0, ms. */
  gap: 0,
  /** `t` of the commands that the vehicle has said to have come. */
  echoes: new Set(),
  send: null,
  /** How often it has tried to drive beside the driver. */
  intruded: 0,
};
const { probe } = window.top;

const RECENT_MS = 4_000;
const FORGED = -0.987;
const EVERY_MS = 20;
/** Characters, more than are read. Much more would hold up the driver's own commands behind it. */
const LONG = 8_000;

const create = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (label, options) {
  const channel = create.call(this, label, options);
  if (label !== 'control') return channel;
  const send = channel.send.bind(channel);
  channel.send = (text) => {
    const at = Date.now();
    const command = JSON.parse(text);
    // Something else than a command, such as what keeps the path open.
    if (typeof command.steer !== 'number') return send(text);
    command.steer += probe.sign * ((at % 10_000) + 1) * 1e-7;
    const marked = JSON.stringify(command);
    const before = probe.recent.at(-1)?.at ?? at;
    probe.gap = Math.max(probe.gap, at - before);
    probe.last = command;
    probe.recent.push({ at, text: marked });
    while (probe.recent[0].at < at - RECENT_MS) probe.recent.shift();
    send(marked);
  };
  channel.addEventListener('open', () => {
    probe.send = send;
  });
  channel.addEventListener('message', ({ data }) => {
    const { echo = null } = JSON.parse(data);
    if (echo !== null) probe.echoes.add(echo);
  });
  return channel;
};

/** Sends one thing after the other, 50 in a second. @returns how many of them, and of how many the vehicle spoke */
probe.pour = async (ms, make) => {
  const sent = [];
  probe.echoes.clear();
  for (let count = 0; count * EVERY_MS < ms; count++) {
    const what = make(count);
    const text = typeof what === 'string' ? what : JSON.stringify(what);
    try {
      probe.send(text);
      sent.push(text);
    } catch {
      // More than the other end takes: the browser itself refuses.
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  // What is under way is answered by then.
  await new Promise((resolve) => setTimeout(resolve, 150));
  const times = sent.map((text) => Number(/"t":(\d+)/.exec(text)?.[1]));
  return { sent: sent.length, seen: times.filter((t) => probe.echoes.has(t)).length };
};

/** A spectator who would drive, with the driver's lease number. */
probe.intrude = (ms, lease) =>
  probe.pour(ms, () => ({
    // After all that it has sent, should it have driven before.
    seq: (probe.last?.seq ?? 0) + 1 + probe.intruded++,
    t: Date.now(),
    lease,
    gear: 'D',
    steer: FORGED,
    ...(probe.intruded % 2 ? { throttle: 1, brake: 0 } : { throttle: 0, brake: 1 }),
  }));

/** The driver's own channel, with what is not a command of now. Those that use up a number are few. */
const FORGERIES = [
  // Word by word what was sent one to three seconds ago.
  (_, old) => old,
  (_, old) => old,
  ({ seq, ...rest }) => ({ ...rest, seq: Math.max(0, seq - 200), t: Date.now() }),
  ({ seq, lease, ...rest }) => ({ ...rest, seq: seq + 1, lease: lease + 1, t: Date.now() }),
  ({ seq, lease, ...rest }) => ({ ...rest, seq: seq - 1, lease: Math.max(0, lease - 1), t: Date.now() }),
  ({ seq, ...rest }) => ({ ...rest, seq: seq + 1, t: Date.now() + 10_000 }),
  (_, old) => old,
  ({ seq, ...rest }) => ({ ...rest, seq: seq + 1, t: Date.now() - 10_000 }),
  (last) => JSON.stringify({ ...last, t: Date.now() }).replace(/"steer":[^,]*/, '"steer":NaN'),
  (last) => ({ ...last, seq: last.seq + 1, t: Date.now(), steer: -9.87, throttle: 5 }),
  (last) => ({ ...last, seq: last.seq + 1, t: Date.now(), brake: null }),
  (last) => JSON.stringify(last).slice(0, 40),
  () => 'null',
];
probe.forge = (ms) =>
  probe.pour(ms, (count) => {
    const past = probe.recent.filter(({ at }) => at < Date.now() - 1_000 && at > Date.now() - 3_000);
    const old = past[(count * 7) % past.length]?.text ?? '{}';
    if (count === 10) return JSON.stringify({ ...probe.last, steer: FORGED, padding: 'x'.repeat(LONG) });
    const forge = FORGERIES[count % FORGERIES.length];
    return forge({ ...probe.last, steer: FORGED, throttle: 0, brake: 1 }, old);
  });
