/** Real parts of a room for tests: a server, a vehicle agent, operators, and a client that hears everything. */
import { randomBytes } from 'node:crypto';
import mqtt from 'mqtt';
import { onTestFinished } from 'vitest';
import { startServer } from '../../broker/serve.ts';
import type { ChannelName, VehicleState } from '../../shared/channels.ts';
import { systemClock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { createOperatorEnd, type OperatorEnd, type OperatorEndOptions } from '../../shared/operator-end.ts';
import type { Peer } from '../../shared/peer.ts';
import type { RoomView } from '../../shared/room-view.ts';
import { runVehicle, type VehicleOptions } from '../../vehicle/agent.ts';
import { eventually } from './eventually.ts';
import { type Received, weriftOperator } from './werift-peer.ts';

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

export async function testServer(options: Partial<Parameters<typeof startServer>[0]> = {}) {
  const server = await startServer({ port: 0, mqttPort: 0, ...options }, silent);
  onTestFinished(() => server.close());
  return server;
}

export async function testVehicle(broker: string, options: Partial<VehicleOptions> = {}, log: Log = silent) {
  const vehicle = await runVehicle(
    { room: 'car1', broker, root: 'rooms', maxOperators: 8, fps: 30, kbps: 1500, iceServers: [], ...options },
    log,
  );
  onTestFinished(() => vehicle.close());
  return vehicle;
}

export interface TestOperator extends OperatorEnd {
  id: string;
  received: Received;
  lastState(): VehicleState | null;
  /** Calls back with every state message from now on. */
  onEveryState(listener: (state: VehicleState) => void): void;
  /** True: what this operator and the vehicle say to each other on the data channels is lost on the way. */
  mute(on: boolean): void;
  /** Closes the connection to the vehicle without a word, as a page does that is reloaded. */
  hangUp(): void;
  /** Sends any text on a data channel, as a peer that keeps to no rule would. */
  sendOn(channel: ChannelName, text: string): boolean;
  /** Resolves when the view or a vehicle state makes it true. */
  until(what: string, condition: (view: RoomView, state: VehicleState | null) => boolean): Promise<void>;
  /** Sends the same command at 50 Hz until called back, as a driver does who lets go once when the car has stopped. */
  drive(wanted: Parameters<OperatorEnd['command']>[0]): () => void;
  /** The same, without ever letting go. */
  hold(wanted: Parameters<OperatorEnd['command']>[0]): () => void;
}

export function testOperator(
  url: string,
  room = 'car1',
  root = 'rooms',
  arrival: OperatorEndOptions['arrival'] = 'entered',
  /** clockless: never says what time it is. */
  {
    clockless = false,
    self: id = `op-${randomBytes(4).toString('hex')}`,
    ...who
  }: { clockless?: boolean } & Partial<
    Pick<OperatorEndOptions, 'self' | 'credentials' | 'keys' | 'identity'>
  > = {},
): TestOperator {
  const received: Received = { packets: 0, nalTypes: new Set() };
  const watchers = new Set<() => void>();
  const createPeer = weriftOperator(received);
  let peer: Peer | null = null;
  let muted = false;
  const listeners: ((state: VehicleState) => void)[] = [];
  let state: VehicleState | null = null;
  const wake = () => {
    for (const watcher of [...watchers]) watcher();
  };
  const end = createOperatorEnd({
    url,
    root,
    room,
    self: id,
    createPeer(handlers) {
      const inner = createPeer({
        ...handlers,
        message: (...said) => void (muted || handlers.message(...said)),
      });
      const lost = (text: string) => muted || (clockless && text.includes('"type":"clock"'));
      peer = { ...inner, send: (channel, text) => lost(text) || inner.send(channel, text) };
      return peer;
    },
    arrival,
    ...who,
    onView: () => queueMicrotask(wake),
    onState(next) {
      state = next;
      for (const listener of listeners) listener(next);
      wake();
    },
    clock: systemClock,
  });
  onTestFinished(() => end.close());
  return Object.assign(end, {
    id,
    received,
    lastState: () => state,
    onEveryState: (listener: (state: VehicleState) => void) => void listeners.push(listener),
    mute(on: boolean) {
      muted = on;
    },
    hangUp: () => peer?.close(),
    sendOn: (channel: ChannelName, text: string) => peer?.send(channel, text) ?? false,
    until(what: string, condition: (view: RoomView, state: VehicleState | null) => boolean) {
      const last = () => `never happened: ${what}; last ${JSON.stringify({ ...end.view, state })}`;
      return eventually(watchers, () => condition(end.view, state) || undefined, last).then(() => {});
    },
    drive(wanted: Parameters<OperatorEnd['command']>[0]) {
      return again(() => end.command(state?.safety === 'stopped' ? { ...wanted, throttle: 0 } : wanted));
    },
    hold: (wanted: Parameters<OperatorEnd['command']>[0]) => again(() => end.command(wanted)),
  });
}

/** 50 times a second, until called back. */
function again(send: () => void): () => void {
  const timer = setInterval(send, 20);
  const stop = () => clearInterval(timer);
  onTestFinished(stop);
  return stop;
}

export interface Heard {
  topic: string;
  text: string;
  retained: boolean;
}

/** Hears everything below the root, as a fleet system would. */
/** @param login where there is access control */
export async function testListener(url: string, filter = 'rooms/#', login: object = {}) {
  const client = await mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 200, ...login });
  onTestFinished(() => client.endAsync(true));
  const heard: Heard[] = [];
  const watchers = new Set<() => void>();
  client.on('message', (topic, payload, { retain }) => {
    heard.push({ topic, text: payload.toString(), retained: retain });
    for (const watcher of [...watchers]) watcher();
  });
  await client.subscribeAsync(filter, { qos: 1 });
  return {
    heard,
    client,
    /** The first message, of those heard already too, that fits. */
    message(what: string, fits: (heard: Heard) => boolean, from = 0): Promise<Heard> {
      const all = () => `never heard: ${what}; heard ${heard.map(({ topic }) => topic).join(' ')}`;
      return eventually(watchers, () => heard.slice(from).find(fits), all);
    },
  };
}
