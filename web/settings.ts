/** What the server tells its pages: where the broker is, asked once, and the ICE servers, kept fresh. */
import { signal } from '@preact/signals';
import type * as z from 'zod/mini';
import { systemClock } from '../shared/clock.ts';
import { type IceRenewal, renewIceServers } from '../shared/ice-renewal.ts';
import { type FleetAnswer, FleetAnswerSchema, IceAnswerSchema, type You } from '../shared/server-api.ts';
import { signedIn } from './access/identity.ts';
import { brokerUrl } from './broker-url.ts';

const RETRY_MS = 2_000;
/** A server that takes longer counts as one that does not answer, ms. */
const ANSWER_LIMIT_MS = 5_000;

export interface FleetSettings {
  root: string;
  /** ws(s) URL of the broker. */
  url: string;
  /** What the fleet is called. */
  name: string | undefined;
  /** Public keys of vehicles, by room, as far as the fleet knows them. */
  keys: Record<string, string>;
  /** Public key with which the fleet signs its operators' passes; null when it gives none. */
  fleetKey: string | null;
}

/** Why the settings aren't there yet, as a sentence; null while nothing is wrong. */
export const settingsProblem = signal<string | null>(null);
/** Who has signed in; null where anybody may come in, and until that is known. */
export const you = signal<You | null>(null);
/** What the fleet is called, as far as it is known and has a name. */
export const fleetName = signal<string | null>(null);
/** Nobody has, and somebody must; with what, if there is a sign-in. */
export const signedOut = signal<{ provider: string | undefined } | null>(null);
/** What is wrong with the ICE servers, each a sentence. */
export const iceWarnings = signal<string[]>([]);

let fleet: Promise<FleetSettings> | null = null;
let known: FleetSettings | null = null;
let ice: IceRenewal | null = null;
/** Whose id the next ICE servers are asked for with. */
let asker = '';

/** Resolves when the server has answered; asks until it does. */
export function fleetSettings(): Promise<FleetSettings> {
  fleet ??= untilAnswered('/api/fleet', FleetAnswerSchema).then((answer) => {
    const { access } = answer;
    fleetName.value = answer.name ?? null;
    if (access && !access.you) {
      signedOut.value = { provider: access.signIn };
      // Whoever signs in loads the page anew.
      return new Promise<FleetSettings>(() => {});
    }
    if (access?.you) {
      you.value = access.you;
      signedIn(access.you, access.token);
    }
    return learn(answer);
  });
  return fleet;
}

/** As the server says them now; as they were if it does not. */
export async function renewFleetSettings(): Promise<void> {
  await ask('/api/fleet', FleetAnswerSchema).then(
    (answer) => {
      // Who is not let in any more is told less, which says nothing about the vehicles.
      if (!answer.access || answer.access.you) learn(answer);
    },
    () => {},
  );
}

function learn({ root, mqtt, name, keys, fleetKey }: FleetAnswer): FleetSettings {
  const url = brokerUrl(mqtt.url, location);
  known = { root, url, name, keys: keys ?? {}, fleetKey: fleetKey ?? null };
  return known;
}

/** What has been answered already: whoever is in a hurry need not wait a turn for it. */
export const knownSettings = (): FleetSettings | null => known;

/**
 * Resolves when there are ICE servers to use, or the server has none to give now.
 * @param peer this page's id: it goes into credentials that are made for one peer
 */
export function loadIceServers(peer: string): Promise<void> {
  asker = peer;
  ice ??= renewIceServers({
    ask: () => ask(`/api/ice?peer=${asker}`, IceAnswerSchema),
    clock: systemClock,
    onChange({ warnings }) {
      iceWarnings.value = warnings;
    },
  });
  return ice.first;
}

/** The server may be another one than before. */
export const renewIceServersNow = (): void => ice?.again();

/** The servers that are known now; another array when they have been renewed. */
export function iceServers(): RTCIceServer[] {
  return (ice?.state.servers ?? NONE) as RTCIceServer[];
}
const NONE: RTCIceServer[] = [];

async function untilAnswered<T>(path: string, schema: z.ZodMiniType<T>): Promise<T> {
  for (;;) {
    try {
      const answer = await ask(path, schema);
      settingsProblem.value = null;
      return answer;
    } catch (error) {
      settingsProblem.value = (error as Error).message;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** @throws Error that says in a few words what is wrong with the server */
async function ask<T>(path: string, schema: z.ZodMiniType<T>): Promise<T> {
  const response = await fetch(path, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) }).catch(() => {
    throw new Error('nobody answers');
  });
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  const answer = schema.safeParse(await response.json().catch(() => null));
  if (answer.success) return answer.data;
  throw new Error('its answer makes no sense; is this page older than the server?');
}
