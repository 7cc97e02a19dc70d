/** What the server tells its pages: where the broker is, and the ICE servers. Asked once, and kept. */
import { signal } from '@preact/signals';
import type * as z from 'zod/mini';
import { FleetAnswerSchema, IceAnswerSchema } from '../shared/server-api.ts';
import { brokerUrl } from './broker-url.ts';

const RETRY_MS = 2_000;

export interface FleetSettings {
  root: string;
  /** ws(s) URL of the broker. */
  url: string;
  /** What the fleet is called. */
  name: string | undefined;
}

/** Why the settings aren't there yet, as a sentence; null while nothing is wrong. */
export const settingsProblem = signal<string | null>(null);

let fleet: Promise<FleetSettings> | null = null;
let ice: { servers: RTCIceServer[]; staleAt: number } | null = null;
let iceLoading: Promise<void> | null = null;

/** Resolves when the server has answered; asks until it does. */
export function fleetSettings(): Promise<FleetSettings> {
  fleet ??= ask('/api/fleet', FleetAnswerSchema).then(({ root, mqtt, name }) => ({
    root,
    url: brokerUrl(mqtt.url, location),
    name,
  }));
  return fleet;
}

/** Resolves when there are ICE servers to use. */
export function loadIceServers(): Promise<void> {
  if (ice && performance.now() < ice.staleAt) return Promise.resolve();
  iceLoading ??= ask('/api/ice', IceAnswerSchema).then(({ iceServers, ttl }) => {
    // Half their life is left to a session that begins with them.
    ice = { servers: iceServers as RTCIceServer[], staleAt: performance.now() + (ttl * 1000) / 2 };
    iceLoading = null;
  });
  return iceLoading;
}

/** The servers that are known now; fetches new ones for the next time when these have aged. */
export function iceServers(): RTCIceServer[] {
  void loadIceServers();
  return ice?.servers ?? [];
}

async function ask<T>(path: string, schema: z.ZodMiniType<T>): Promise<T> {
  for (;;) {
    try {
      const response = await fetch(path);
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      const answer = schema.parse(await response.json());
      settingsProblem.value = null;
      return answer;
    } catch (error) {
      settingsProblem.value = problemOf(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function problemOf(error: unknown): string {
  // fetch rejects with a TypeError when nobody answers; its text differs between browsers.
  if (error instanceof TypeError) return 'nobody answers';
  if (error instanceof Error && error.message.startsWith('it answered')) return error.message;
  return 'its answer makes no sense; is this page older than the server?';
}
