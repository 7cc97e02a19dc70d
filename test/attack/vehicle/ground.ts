/**
 * A server, a car in a process of its own, and an honest driver on the road in another. Used by the tests and by
 * the benchmark; what they demand of what is found differs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { testFleet } from '../../helpers/keys.ts';
import { isAsBefore, type Memory, type MemoryProbe, probeMemory } from '../memory.ts';
import { startTarget } from '../target.ts';
import { join } from '../witness.ts';
import type { Done, Ground, VehicleAttack } from './attack.ts';
import { startFlood } from './attacker.ts';
import { type Car, newCarFolder, startCar } from './car.ts';
import { type Driver, type Login, type Seen, startDriver } from './driver.ts';
import { listenToCar } from './ears.ts';

const ROOM = 'car6';
const DRIVER = 'op-driver';
/** For what the car lets go by its own clock, ms: an operator who is not heard any more. */
const SETTLE_MS = 40_000;
const AFTER_MS = 1_500;
/** A driver who lost the wheel has it again, and moves, within so long, ms. */
const RECOVER_MS = 60_000;
/** Two a second, and those that come when somebody does. */
const PICTURES_OF_A_KEY = 15;
const SOME_KEY_PICTURES = 5;
/** What libraries hold outside of V8 goes up and down with the pictures, MiB. */
const ALLOWED_NATIVE = 24;

export interface FoundOnRoad extends Done {
  name: string;
  driver: Seen;
  /** How long an emergency stop took that was pressed meanwhile, ms; null for never, missing where none was. */
  stopMs?: number | null;
  before: Memory;
  after: Memory;
  /** What is not as it has to be, one sentence each, but for times. */
  problems: string[];
}

export interface Road {
  run(attack: VehicleAttack, size: number): Promise<FoundOnRoad>;
  close(): Promise<void>;
}

export async function openRoad(): Promise<Road> {
  const target = await startTarget();
  const fleet = testFleet();
  const folder = newCarFolder(ROOM);
  const token = await target.token(ROOM, 'vehicle', [ROOM]);
  const start = () => startCar({ mqttUrl: target.mqttUrl, room: ROOM, token, fleetKey: fleet.key }, folder);
  async function operator(id: string): Promise<Login> {
    const { identity } = fleet.operator(id);
    const password = await target.token(id, 'operator', [ROOM]);
    return { id, password, secretKey: identity.secretKey, pass: identity.pass() ?? '' };
  }
  const monitor = await join(target, 'mon-road', await target.token('mon-road', 'monitor', ['*']));
  const ears = await listenToCar(monitor, ROOM);
  let car = await start();
  let memory = await probeMemory(car);
  const driver = await startDriver({
    mqttUrl: target.mqttUrl,
    room: ROOM,
    vehicleKey: folder.key,
    driver: await operator(DRIVER),
    stopper: await operator('op-stopper'),
  });

  async function startAnew(): Promise<void> {
    await car.stop();
    car = await start();
    memory = await probeMemory(car);
  }

  /** A car that an attack has ended, or has left of no use, is started again, for the next one. */
  async function ready(): Promise<Ground> {
    if (!car.lives() || !(await driver.drives(RECOVER_MS))) await startAnew();
    if (!(await driver.drives(RECOVER_MS))) throw new Error('the honest driver does not get to drive');
    return { target, car, driver, ears, driverId: DRIVER, operator };
  }
  // Once, so that what is made at the first time counts as having been there.
  await ready();
  await driver.arrive(await operator('op-first'));
  await sleep(1_000);

  return {
    async run(attack, size) {
      const ground = await ready();
      return await attackOnRoad(attack, size, ground, memory);
    },
    close: () => closeAll({ driver, monitor, car: () => car, folder, target }),
  };
}

async function attackOnRoad(
  attack: VehicleAttack,
  size: number,
  ground: Ground,
  memory: MemoryProbe,
): Promise<FoundOnRoad> {
  const { driver, car, ears } = ground;
  const before = await memory.look();
  // Looking stops the car's world for a moment.
  await sleep(200);
  const comings = ears.epochs();
  await driver.begin();
  let done: Done = { attempts: 0, gotIn: 0 };
  let stopped: { stopMs?: number | null } = {};
  let seen: Seen;
  if (attack.flood) {
    const flood = await startFlood(attack, ground);
    await driver.begin();
    await sleep(size);
    seen = await driver.look();
    stopped = { stopMs: await driver.stop() };
    done = await flood.stop();
  } else {
    done = (await attack.run?.(ground, size)) ?? done;
    const { answers } = await driver.look();
    // What comes of it may take a moment.
    await sleep(AFTER_MS);
    seen = await driver.look();
    seen.answersAfter = seen.answers - answers;
  }
  const problems = problemsOf(seen, done);
  if (stopped.stopMs === null) problems.push('an emergency stop did not come to be in force');
  if (!car.lives()) problems.push('the car’s process has ended');
  else if (ears.epochs() !== comings) problems.push('the car has come anew');
  if (!(await driver.drives(RECOVER_MS))) problems.push('the honest driver does not get to drive on');
  else if ((await driver.look()).ended > 0) problems.push('the driver’s session has ended');
  const after = car.lives() ? await memory.settled(before, SETTLE_MS) : before;
  problems.push(...memoryProblems(before, after));
  return { name: attack.name, ...done, ...stopped, driver: seen, before, after, problems };
}

/** But for times: whether the car was ever braked is one of them, on a machine that others use too. */
function problemsOf(seen: Seen, { attempts, gotIn, got }: Done): string[] {
  const { answers, answersAfter = answers, pictures, keyPictures } = seen;
  const problems: string[] = [];
  const demand = (holds: boolean, problem: string) => void (holds || problems.push(problem));
  demand(attempts > 0, 'nothing was tried');
  demand(gotIn === 0, `${gotIn} of ${attempts} got in${got ? `: ${got}` : ''}`);
  demand(answersAfter > 0, 'the car answers none of the driver’s commands any more');
  demand(pictures > 0, 'the driver saw nothing');
  const most = SOME_KEY_PICTURES + pictures / PICTURES_OF_A_KEY;
  demand(keyPictures <= most, `${keyPictures} of the driver’s ${pictures} pictures were key frames`);
  return problems;
}

function memoryProblems(before: Memory, after: Memory): string[] {
  const shown = ({ live, native, descriptors }: Memory) =>
    `${live.toFixed(1)}, ${native.toFixed(1)} and ${descriptors}`;
  const native = after.native <= before.native * 1.2 + ALLOWED_NATIVE;
  if (isAsBefore(before, after) && native) return [];
  return [`memory: ${shown(before)} before, ${shown(after)} after: live, native, in MiB, and descriptors`];
}

async function closeAll(all: {
  driver: Driver;
  monitor: MqttClient;
  car: () => Car;
  folder: { remove(): void };
  target: Ground['target'];
}): Promise<void> {
  await all.driver.close();
  await all.monitor.endAsync();
  await all.car().stop();
  all.folder.remove();
  await all.target.stop();
}
