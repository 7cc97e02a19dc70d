/**
 * What each STUN or TURN server has answered, from what a browser says while it gathers. Measured with
 * Chromium 156 against coturn: it asks a server from each of its addresses, over IPv4 and IPv6, and
 * reports every one that fails; a STUN server that tells nothing new gives neither candidate nor error;
 * over UDP it waits 40 s for an answer before it says so; and with TURN over TCP or TLS a name that can't
 * be resolved looks like a port that is closed. As soon as a path works it asks no more.
 */
import type { ServerAnswer } from '../../shared/report.ts';
import { parseServerUrl, serverKey } from '../../shared/server-url.ts';

/** Error codes from here on are the browser's own (RTCPeerConnectionIceErrorEvent). */
const NOT_REACHED = 700;
const LOOKUP = /lookup|resol/i;

/** What a browser says, as a clause for people. */
const WORDS: [RegExp, string][] = [
  [LOOKUP, 'its name has no address'],
  [/timed? ?out/i, 'no answer'],
  [/establish connection/i, 'no connection'],
];

function inWords(text: string): string {
  const known = WORDS.find(([said]) => said.test(text));
  return known ? known[1] : text.replace(/\.$/, '').slice(0, 200);
}

export type IceError = Pick<RTCPeerConnectionIceErrorEvent, 'url' | 'errorCode' | 'errorText' | 'address'>;

interface Entry {
  key: string;
  now: ServerAnswer;
  /** It could not be reached from one of the addresses; it may be from another. */
  failed: ServerAnswer | null;
}

export type Answers = ReturnType<typeof createAnswers>;

/** @param urls of the servers that are asked */
export function createAnswers(urls: string[]) {
  const entries = urls.map((url): Entry => {
    // The protocol has no room for logins, nor has RFC 7065; what is no address is not tried.
    const known = parseServerUrl(url) !== null;
    return {
      key: serverKey(url),
      now: known ? { url, answer: 'waiting' } : { url: 'an address that is none', answer: 'skipped' },
      failed: null,
    };
  });
  const unknownHosts = new Set<string | undefined>();
  const of = (url: string | null) => entries.filter(({ key }) => url !== null && key === serverKey(url));
  const settled = ({ now }: Entry) => now.answer === 'ok' || now.answer === 'refused';

  return {
    get all(): ServerAnswer[] {
      return entries.map(({ now }) => now);
    },
    /** A candidate came from it. @param ms since it was asked */
    gave(url: string | null, ms: number): void {
      for (const entry of of(url)) {
        if (entry.now.answer !== 'ok') entry.now = { url: entry.now.url, answer: 'ok', ms };
      }
    },
    /** An error came. @param ms since it was asked */
    erred({ url, errorCode, errorText, address }: IceError, ms: number): void {
      const overIPv6 = address?.startsWith('[') ?? false;
      if (LOOKUP.test(errorText) && !overIPv6) unknownHosts.add(hostOf(url));
      const unknown = LOOKUP.test(errorText) || unknownHosts.has(hostOf(url));
      for (const entry of of(url)) {
        if (settled(entry)) continue;
        const detail = inWords(errorText);
        const base = { url: entry.now.url, ms, ...(detail ? { detail } : {}) };
        if (errorCode < NOT_REACHED) entry.now = { ...base, answer: 'refused', code: errorCode };
        else entry.failed = { ...base, answer: unknown ? 'unknown' : 'unreachable' };
        // Many servers have no IPv6 address: what failed over IPv6 is believed when all else has failed too.
        if (entry.failed && !overIPv6) entry.now = entry.failed;
      }
      if (unknown && !overIPv6) learnUnknown(hostOf(url));
    },
    /** A good while has passed: who has not answered will hardly do so. @param ms since they were asked */
    silence(ms: number): void {
      // One STUN server that answers makes the others' silence mean nothing: they may have said the same.
      const known = entries.some(({ key, now }) => key.startsWith('stun') && now.answer === 'ok');
      for (const entry of entries) {
        if (entry.now.answer !== 'waiting' || (known && entry.key.startsWith('stun'))) continue;
        entry.now = {
          url: entry.now.url,
          answer: 'unreachable',
          detail: `no answer for ${Math.round(ms / 1000)} s`,
        };
      }
    },
    /** The browser has ended its gathering; which it does too when it has a path that works. */
    complete(connected: boolean): void {
      for (const entry of entries) {
        if (settled(entry) || entry.now.answer === 'skipped') continue;
        const { url } = entry.now;
        if (connected && entry.now.answer === 'waiting')
          entry.now = { url, answer: 'skipped', detail: 'a path was found before it had answered' };
        else if (entry.failed) entry.now = entry.failed;
        else if (entry.key.startsWith('stun')) entry.now = { url, answer: 'ok', detail: 'nothing new' };
        else entry.now = { url, answer: 'unreachable', detail: 'no answer' };
      }
    },
  };

  /** Over TCP and TLS an unknown name isn't told from a closed port; over UDP it is, and it is the same name. */
  function learnUnknown(host: string | undefined): void {
    for (const entry of entries) {
      if (entry.now.answer === 'unreachable' && hostOf(entry.now.url) === host)
        entry.now = { ...entry.now, answer: 'unknown' };
    }
  }
}

const hostOf = (url: string) => parseServerUrl(url)?.host;
