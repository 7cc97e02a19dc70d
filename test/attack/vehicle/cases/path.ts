/**
 * Somebody on the path between a car and an honest operator, who has the broker too: every right one is there, with
 * its key, its pass and its signature, and so are their descriptions. Each try is a car and an operator of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { testFleet } from '../../../helpers/keys.ts';
import type { VehicleAttack } from '../attack.ts';
import { newCarFolder, startCar } from '../car.ts';
import { type Login, startDriver } from '../driver.ts';
import { startTappedBroker } from '../path/broker.ts';
import { createMan } from '../path/man.ts';
import { openRelay } from '../path/relay.ts';
import { takeWheel } from '../path/wheel.ts';

const ROOM = 'car8';
/** After that nothing more is to be expected, ms. */
const WATCH_MS = 10_000;
const LOOK_MS = 50;
/** Nobody drives so fast by chance, m/s. */
const MOVING = 1;

interface Got {
  /** A handshake came by, or an answer was refused that wanted one. */
  tried: boolean;
  /** What the attacker got, each a word. */
  what: string[];
}

async function beOnPath(passive: boolean): Promise<Got> {
  const fleet = testFleet();
  const login = (id: string): Login => {
    const { identity } = fleet.operator(id);
    return { id, password: null, secretKey: identity.secretKey, pass: identity.pass() ?? '' };
  };
  const relay = await openRelay((datagram, from) => man.pass(datagram, from));
  const man = createMan({ car: relay.toCar, operator: relay.toOperator }, (data) => wheel.take(data));
  const wheel = takeWheel(man.say);
  const broker = await startTappedBroker(ROOM, relay.instead);
  const folder = newCarFolder(ROOM);
  const { url: mqttUrl } = broker;
  const car = await startCar({ mqttUrl, room: ROOM, token: null, fleetKey: fleet.key }, folder);
  const [victim, stopper] = [login('op-victim'), login('op-other')];
  const setup = { mqttUrl, room: ROOM, vehicleKey: car.key, driver: victim, stopper, passive };
  const driver = await startDriver(setup);
  try {
    for (const until = performance.now() + WATCH_MS; performance.now() < until; await sleep(LOOK_MS))
      if (wheel.speed() > MOVING && man.decrypted() > 0) break;
    const { session } = await driver.look();
    const connected = /session with op-victim: connected/.test(car.log.text());
    const got = {
      'the car’s keys': man.secret() !== null,
      'its pictures': man.decrypted() > 0,
      'its words': wheel.heard() > 0,
      'its wheel': wheel.granted(),
      'it moved': wheel.speed() > MOVING,
      'it was connected with somebody else': connected && session === null,
    };
    const what = Object.entries(got).flatMap(([name, has]) => (has ? [name] : []));
    const answered = broker.described.some(({ type }) => type === 'answer');
    return { tried: man.tried() || (passive && answered), what };
  } finally {
    wheel.close();
    await driver.close();
    await car.stop();
    folder.remove();
    await broker.close();
    relay.close();
  }
}

function onPath(name: string, passive: boolean): VehicleAttack {
  return {
    name,
    elsewhere: true,
    size: { full: 3, test: 1 },
    async run(_ground, tries) {
      let [attempts, gotIn] = [0, 0];
      const all = new Set<string>();
      for (let index = 0; index < tries; index += 1) {
        const { tried, what } = await beOnPath(passive);
        if (tried) attempts += 1;
        if (what.length > 0) gotIn += 1;
        for (const one of what) all.add(one);
      }
      return { attempts, gotIn, ...(all.size > 0 ? { got: [...all].join(', ') } : {}) };
    },
  };
}

export const ON_PATH: VehicleAttack[] = [
  onPath('on the path, with the broker: a key beside the operator’s, the car as DTLS server', false),
  onPath('on the path, with the broker: a key instead of the operator’s, the car as DTLS client', true),
];
