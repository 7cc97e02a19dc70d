/** What counts as an ICE server, wherever its description comes from. */
import type { IceServer } from '../../shared/server-api.ts';

/** Browsers get slow with more, and warn from five on. */
const MAX_SERVERS = 16;
/** RFC 7064 and RFC 7065, without what browsers don't take. */
const STUN_URL = /^stuns?:[^\s/?@]+$/i;
const TURN_URL = /^turns?:[^\s/?@]+(\?transport=(udp|tcp))?$/i;

export const isStunUrl = (text: string): boolean => STUN_URL.test(text);
export const isTurnUrl = (text: string): boolean => TURN_URL.test(text);

/**
 * Checks a list of RTCIceServer entries. Fields that are not of the standard are left out.
 * @throws Error that names the entry and what is wrong with it, without repeating a credential
 */
export function checkIceServers(value: unknown): IceServer[] {
  if (!Array.isArray(value)) throw new Error('ICE servers must be a list like [{"urls": "stun:host:3478"}]');
  if (value.length > MAX_SERVERS) throw new Error(`${value.length} ICE servers are more than ${MAX_SERVERS}`);
  return value.map((entry, index) => checkIceServer(entry, `ICE server ${index + 1}`));
}

/** Those entries of a service's answer that can be used; what can't is no reason to do without the others. */
export function usableIceServers(value: unknown): IceServer[] {
  const entries = Array.isArray(value) ? value.slice(0, MAX_SERVERS) : [value];
  return entries.flatMap((entry) => {
    try {
      return [checkIceServer(entry, 'it')];
    } catch {
      return [];
    }
  });
}

function checkIceServer(entry: unknown, name: string): IceServer {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw new Error(`${name} must be an object with "urls"`);
  }
  const { urls, username, credential } = entry as Record<string, unknown>;
  const list = Array.isArray(urls) ? urls : [urls];
  if (list.length === 0) throw new Error(`${name} has no urls`);
  for (const url of list) {
    if (typeof url !== 'string' || !(isStunUrl(url) || isTurnUrl(url))) {
      throw new Error(
        `${name} has the url ${JSON.stringify(url)}, which is none of stun:, stuns:, turn:, turns:`,
      );
    }
    // RTCPeerConnection's constructor throws without them.
    if (isTurnUrl(url) && (typeof username !== 'string' || typeof credential !== 'string')) {
      throw new Error(`${name} is a TURN server and needs a username and a credential, both text`);
    }
  }
  const checked: IceServer = { urls: Array.isArray(urls) ? (list as string[]) : (urls as string) };
  if (typeof username === 'string') checked.username = username;
  if (typeof credential === 'string') checked.credential = credential;
  return checked;
}
