/** What counts as an ICE server, wherever its description comes from. */
import type { IceServer } from '../../shared/server-api.ts';

/** Browsers get slow with more, and warn from five on. */
const MAX_SERVERS = 16;
/** RFC 7064 and RFC 7065, without what browsers don't take: they refuse the whole list then. */
const PLACE = String.raw`(?:\[[0-9a-f:.]+\]|[^\s/?@:[\]]+)(?::(?<port>\d{1,5}))?`;
const STUN_URL = new RegExp(`^stuns?:${PLACE}$`, 'i');
const TURN_URL = new RegExp(`^turns?:${PLACE}(?:\\?transport=(?:udp|tcp))?$`, 'i');

export const isStunUrl = (text: string): boolean => fits(STUN_URL, text);
export const isTurnUrl = (text: string): boolean => fits(TURN_URL, text);

function fits(form: RegExp, text: string): boolean {
  const match = form.exec(text);
  const port = Number(match?.groups?.port ?? 1);
  return match !== null && port >= 1 && port <= 65_535;
}

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
