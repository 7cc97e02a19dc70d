/** An operator's data channels over records that somebody else seals: the attacker asks for the wheel, and drives. */
import * as werift from 'werift';
import { CHANNELS, type ChannelName } from '../../../../shared/channels.ts';

const CLOCK_MS = 100;
const COMMAND_MS = 20;
const SCTP_PORT = 5_000;

export interface Wheel {
  /** Application data of the car. */
  take(data: Buffer): void;
  /** Messages that the car has sent on the data channels. */
  heard(): number;
  granted(): boolean;
  /** The fastest that the car said it is, m/s. */
  speed(): number;
  close(): void;
}

/** As much of a DTLS transport as werift's SCTP wants of one. */
function transportOf(send: (data: Buffer) => void) {
  return {
    id: 'path',
    state: 'connected',
    // The car is the one that chooses the path, and begins.
    iceTransport: { role: 'controlled' },
    onStateChange: { subscribe: () => ({ unSubscribe() {} }) },
    dataReceiver: undefined as ((data: Buffer) => void) | undefined,
    sendData: async (data: Buffer) => send(data),
  };
}

export function takeWheel(send: (data: Buffer) => void): Wheel {
  const transport = transportOf(send);
  const sctp = new werift.RTCSctpTransport(SCTP_PORT);
  sctp.setDtlsTransport(transport as unknown as werift.RTCDtlsTransport);
  const channels = Object.fromEntries(
    Object.entries(CHANNELS).map(([label, settings]) => {
      const parameters = new werift.RTCDataChannelParameters({ label, negotiated: true, ...settings });
      return [label, new werift.RTCDataChannel(sctp, parameters)];
    }),
  ) as { [name in ChannelName]: werift.RTCDataChannel };
  let lease: number | null = null;
  let car: number | null = null;
  let seq = 0;
  let heard = 0;
  let speed = 0;
  const say = (name: ChannelName, message: object) => {
    if (channels[name].readyState === 'open') channels[name].send(JSON.stringify(message));
  };
  channels.events.onMessage.subscribe((text) => {
    heard += 1;
    const event = JSON.parse(String(text));
    if (event.type === 'clock') car = event.t;
    if (event.type === 'grant') ({ lease } = event);
  });
  channels.control.onMessage.subscribe((text) => {
    heard += 1;
    if (String(text).startsWith('{')) speed = Math.max(speed, Math.abs(JSON.parse(String(text)).speed));
  });
  void sctp.start(SCTP_PORT).catch(() => {});
  const timers = [
    setInterval(() => {
      const ts = Date.now();
      say('events', { type: 'clock', ts, t: ts, ...(car === null ? {} : { echo: car, held: CLOCK_MS }) });
      if (lease === null) say('events', { type: 'request', ts });
    }, CLOCK_MS),
    setInterval(() => {
      seq += 1;
      if (lease !== null)
        say('control', { seq, t: Date.now(), lease, steer: 0, throttle: 1, brake: 0, gear: 'D' });
    }, COMMAND_MS),
  ];
  return {
    // Nobody is there any more once it is over.
    take: (data) => transport.dataReceiver?.(data),
    heard: () => heard,
    granted: () => lease !== null,
    speed: () => speed,
    close() {
      for (const timer of timers) clearInterval(timer);
      void sctp.stop().catch(() => {});
    },
  };
}
