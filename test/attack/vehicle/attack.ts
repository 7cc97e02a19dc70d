/** What an attack on a car is, and what comes of it. The attacks themselves are in cases/. */
import type { Target } from '../target.ts';
import type { Car } from './car.ts';
import type { Driver, Login } from './driver.ts';
import type { Ears } from './ears.ts';

/** What an attacker finds. */
export interface Ground {
  /** The server, for tokens. */
  target: Target;
  car: Car;
  driver: Driver;
  ears: Ears;
  /** Id of the one who drives. */
  driverId: string;
  /** Somebody whom the server and the fleet let in: honest newcomers, and attackers with every right of an operator. */
  operator(id: string): Promise<Login>;
}

/** What an attacker with every right of an operator knows. */
export interface Front {
  mqttUrl: string;
  room: string;
  /** The car's public key. */
  carKey: string;
  login: Login;
}

export interface VehicleAttack {
  /** As a row of the table. */
  name: string;
  /** Why it can't be tried on this machine, if so. */
  problem?(): string | null;
  /** How often it is tried, or how long it goes on, ms, in the benchmark and in the tests; null is not at all. */
  size: { full: number; test: number | null };
  /** It is on another car: what this one's driver notices is how busy the machine is. */
  elsewhere?: true;
  /** Does it, and is over. */
  run?(ground: Ground, tries: number): Promise<Done>;
  /**
   * Goes on until it is told to stop; an emergency stop has to come through meanwhile. In a process of its own that
   * leaves the machine's time to all others: attackers bring their own machines.
   */
  flood?(front: Front): Promise<Flood>;
}

export interface Flood {
  stop(): Promise<Done>;
}

export interface Done {
  /** Tries that were made, messages or packets that were sent. */
  attempts: number;
  /** Tries by which the attacker got what it was not to get, beside what is seen of the honest driver. */
  gotIn: number;
  /** What that was, where it can be different things. */
  got?: string;
}
