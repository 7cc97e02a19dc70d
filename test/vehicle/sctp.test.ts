/** Two data channels, one reliable and one not, between two werift connections on a path that loses much. */
import { expect, onTestFinished, test } from 'vitest';
import * as werift from 'werift';
import { CHANNELS } from '../../shared/channels.ts';
import { mendSctp } from '../../vehicle/webrtc/sctp.ts';

/** Against hanging only. */
const POLL = { timeout: 25_000 };
const EVENTS = 60;
/** Between two messages, ms: about as often as in a session. */
const PACE_MS = 15;

type Lossy = { sctp: { transport: { send(data: Buffer): Promise<void> } } };

async function connectedPair() {
  const [here, there] = [0, 1].map(() => {
    const connection = new werift.RTCPeerConnection({});
    onTestFinished(() => connection.close());
    const control = connection.createDataChannel('control', { ...CHANNELS.control, negotiated: true });
    const events = connection.createDataChannel('events', { ...CHANNELS.events, negotiated: true });
    const heard: number[] = [];
    events.onMessage.subscribe((data) => void heard.push(Number(data)));
    const transport = connection.sctpTransport as werift.RTCSctpTransport;
    mendSctp(transport);
    return { connection, control, events, heard, lossy: transport as unknown as Lossy };
  }) as [End, End];
  await here.connection.setLocalDescription(await here.connection.createOffer());
  await there.connection.setRemoteDescription(
    here.connection.localDescription as werift.RTCSessionDescription,
  );
  await there.connection.setLocalDescription(await there.connection.createAnswer());
  await here.connection.setRemoteDescription(
    there.connection.localDescription as werift.RTCSessionDescription,
  );
  await expect.poll(() => [here, there].every(({ events }) => events.readyState === 'open'), POLL).toBe(true);
  return [here, there];
}

interface End {
  connection: werift.RTCPeerConnection;
  control: werift.RTCDataChannel;
  events: werift.RTCDataChannel;
  heard: number[];
  lossy: Lossy;
}

test('every reliable message arrives, in order, whatever is lost and given up beside it', async () => {
  const ends = await connectedPair();
  // A third of all packets, in bursts, and the same every time (xorshift).
  let state = 7;
  let burst = 0;
  const lost = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    if (burst === 0 && (state & 7) === 0) burst = 1 + ((state >>> 8) & 7);
    return burst > 0 && burst-- > 0;
  };
  for (const { lossy } of ends) {
    const { transport } = lossy.sctp;
    const send = transport.send.bind(transport);
    transport.send = (data) => (lost() ? Promise.resolve() : send(data));
  }
  for (let count = 0; count < EVENTS; count++) {
    for (const { control, events } of ends) {
      events.send(String(count));
      for (let each = 0; each < 4; each++) control.send('{}');
    }
    await new Promise((resolve) => setTimeout(resolve, PACE_MS));
  }
  const all = Array.from({ length: EVENTS }, (_, count) => count);
  await expect.poll(() => ends.map(({ heard }) => heard.length), POLL).toEqual([EVENTS, EVENTS]);
  expect(ends.map(({ heard }) => heard)).toEqual([all, all]);
});
