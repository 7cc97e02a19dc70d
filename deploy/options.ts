/**
 * The values of command line options and environment variables: what is allowed, and how it is read.
 * Every parser takes the text and returns the value, or throws what commander reports with status 2.
 */
import { InvalidArgumentError, Option } from 'commander';
import { checkIceServers } from '../broker/ice/check.ts';
import { isKey } from '../shared/keys.ts';
import type { IceServer } from '../shared/server-api.ts';
import { isId, isRoot } from '../shared/topics.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type Environment = Record<string, string | undefined>;

/** Thrown for values that must not be repeated in the message, since they may hold a password. */
export class OptionError extends Error {}

/** A port number; 0 is a free one. */
export const parsePort = (text: string): number => parseWhole(text, 0, 65_535, 'a port');

/** A parser for whole numbers in a range, both ends included. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => parseWhole(text, min, max, 'a whole number');
}

export function parseHost(text: string): string {
  if (/^[A-Za-z0-9.:_-]+$/.test(text)) return text;
  throw new InvalidArgumentError('It is not a host name or IP address.');
}

export function parseRoot(text: string): string {
  if (isRoot(text)) return text;
  throw new InvalidArgumentError('A topic root has no wildcards, no $ and no empty levels.');
}

export function parseRoom(text: string): string {
  if (isId(text)) return text;
  throw new InvalidArgumentError("A room has 1 to 32 of a-z, 0-9 and '-', and does not begin with '-'.");
}

export function parseName(text: string): string {
  if (text.trim() !== '' && text.length <= 64) return text;
  throw new InvalidArgumentError('A name has 1 to 64 characters.');
}

/** Why somebody does something. */
export function parseReason(text: string): string {
  if (text.trim() !== '' && text.length <= 200) return text;
  throw new InvalidArgumentError('A reason has 1 to 200 characters.');
}

/** The name of an encoder, as FFmpeg calls it. */
export function parseCodec(text: string): string {
  if (/^[a-z0-9_]{1,32}$/.test(text)) return text;
  throw new InvalidArgumentError('An encoder’s name has a-z, 0-9 and _, for example libx264.');
}

/** The public key of a fleet, or `none`: commander takes a null for nothing at all. */
export function parseFleetKey(text: string): string {
  if (text === 'none' || isKey(text)) return text;
  throw new InvalidArgumentError('It is neither a public key, which has 43 characters, nor none.');
}

/** A parser for a URL of one of the protocols, given without colon. */
export function urlOf(flag: string, protocols: string[]): (text: string) => string {
  return (text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url?.hostname && protocols.includes(url.protocol.slice(0, -1))) return text;
    throw new OptionError(`${sources(flag)} is not a URL that begins with ${listed(protocols)}.`);
  };
}

/** JSON: a list of RTCIceServer. */
export function iceServersOf(flag: string): (text: string) => IceServer[] {
  return (text) => {
    try {
      return checkIceServers(JSON.parse(text));
    } catch (error) {
      const reason = error instanceof SyntaxError ? 'it is not JSON' : (error as Error).message;
      throw new OptionError(`${sources(flag)} is invalid: ${reason}.`);
    }
  };
}

/** `--mqtt-port` is also read from `PLNTRY_MQTT_PORT`. */
export const variableOf = (flag: string): string =>
  `PLNTRY_${flag.replace(/^--/, '').replaceAll('-', '_').toUpperCase()}`;

/** An option that is also read from the environment. @param usage e.g. `--port <number>` */
export function option(usage: string, description: string, parse: (text: string) => unknown): Option {
  const flag = usage.split(' ', 1)[0] ?? usage;
  return new Option(usage, description).env(variableOf(flag)).argParser(parse);
}

export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'what is logged')
    .choices(LOG_LEVELS)
    .default('info')
    .env('PLNTRY_LOG_LEVEL');
}

/** The variable that the web port comes from: hosting services set PORT, and ours goes before it. */
export function portVariable(environment: Environment): string {
  return environment.PLNTRY_PORT || !environment.PORT ? 'PLNTRY_PORT' : 'PORT';
}

/** Empty variables count as unset: that is what compose files make of them. */
export function withoutEmptyVariables(environment: Environment): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value === '' && (name.startsWith('PLNTRY_') || name === 'PORT')) delete environment[name];
  }
}

function parseWhole(text: string, min: number, max: number, what: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It is not ${what} from ${min} to ${max}.`);
}

const sources = (flag: string): string => `option '${flag}' (environment ${variableOf(flag)})`;

function listed(protocols: string[]): string {
  const all = protocols.map((protocol) => `${protocol}://`);
  return all.length > 1 ? `${all.slice(0, -1).join(', ')} or ${all.at(-1)}` : (all[0] ?? '');
}
