/** Why one end of a session has no relay: what it lacks, and what to do about it. Pure. */
import type { PeerReport, ServerAnswer } from '../report.ts';
import { parseServerUrl, serverKey } from '../server-url.ts';
import { capital, type End, hostsInWords, hostsOf, list, nameOf, otherEnd, serversInWords } from './words.ts';

export type LackCode =
  /** A TURN server refused: the credentials (401), mostly. */
  | 'turn-refused'
  /** A service that gives TURN servers has failed. */
  | 'provider-failed'
  /** The name of the TURN server can't be resolved. */
  | 'turn-unknown'
  /** Nothing answers over UDP at this end, though it does at the other. */
  | 'udp-blocked'
  /** The TURN server does not answer. */
  | 'turn-unreachable'
  /** TURN servers are configured, and were not tried. */
  | 'turn-untried'
  /** No TURN server is configured. */
  | 'no-turn';

export interface Lack {
  code: LackCode;
  /** What is to blame, without a full stop. @param its or their */
  clause(its: string): string;
  advice: string;
}

/** What an end lacks. */
export interface EndLack {
  end: End;
  lack: Lack;
}

/** Those who can be told what to do about it come first. */
const WORST_FIRST: LackCode[] = [
  'turn-refused',
  'provider-failed',
  'turn-unknown',
  'udp-blocked',
  'turn-unreachable',
  'turn-untried',
  'no-turn',
];

/** To be set for a TURN server to be there at all. */
export const SET_TURN = 'Set PLNTRY_TURN_URLS and PLNTRY_TURN_SECRET, or a TURN service (docs/turn.md).';

/** What a server that refuses says, by STUN error code (RFC 8489, 14.8; RFC 8656, 19). */
const REFUSALS: Record<number, { says(its: string): string; advice: string }> = {
  401: { says: (its) => `refused ${its} credentials (401)`, advice: 'Check PLNTRY_TURN_SECRET.' },
  403: {
    says: (its) => `forbids ${its} relay (403)`,
    advice: 'See what the TURN server’s configuration and log say about it.',
  },
  438: {
    says: (its) => `took ${its} nonce for a stale one (438)`,
    advice: 'Try again; if it stays, see the TURN server’s log.',
  },
  441: { says: (its) => `refused ${its} credentials (441)`, advice: 'Check PLNTRY_TURN_SECRET.' },
  486: {
    says: (its) => `has given all relays that ${its} login may have (486)`,
    advice: 'Raise the TURN server’s user-quota, or wait until old relays have expired, 10 minutes at most.',
  },
  508: {
    says: () => 'has no relay left (508)',
    advice: 'Give the TURN server more ports (min-port, max-port) or a larger total-quota.',
  },
};

const isOverUdp = ({ url }: ServerAnswer) => parseServerUrl(url)?.transport === 'udp';
export const isTurn = ({ url }: Pick<ServerAnswer, 'url'>) => parseServerUrl(url)?.kind === 'turn';
/** What is still waited for has not been answered. */
const isSilent = ({ answer }: ServerAnswer) => answer === 'unreachable' || answer === 'waiting';

export const hasRelay = (report: PeerReport | null): boolean =>
  report?.gathered.some(({ type }) => type === 'relay') ?? false;

/** What each end lacks of those that have reported, the one that is mended first before the other. */
export function lacksOf(reports: Record<End, PeerReport | null>): EndLack[] {
  const rank = ({ lack }: EndLack) => WORST_FIRST.indexOf(lack.code);
  return (['vehicle', 'operator'] as const)
    .flatMap((end) => {
      const report = reports[end];
      const lack = report && lackOf(report, reports[otherEnd(end)]);
      return lack ? [{ end, lack }] : [];
    })
    .sort((one, other) => rank(one) - rank(other));
}

/** Those that lack the same as the first. */
export const sameAsFirst = (lacks: EndLack[]): EndLack[] =>
  lacks.filter(
    ({ lack }) => lack.code === lacks[0]?.lack.code && lack.clause('its') === lacks[0]?.lack.clause('its'),
  );

export const placeOf = (lacks: EndLack[]): End | 'both' | null =>
  lacks.length > 1 ? 'both' : (lacks[0]?.end ?? null);

/** What the first lacks, and the other if it is the same: one sentence. */
export function lackInWords(lacks: EndLack[], reader: End): string {
  const same = sameAsFirst(lacks);
  const [first] = same;
  if (!first) return '';
  const { end, lack } = first;
  const names = same.map((one) => nameOf(one.end, reader));
  const [who = ''] = names;
  if (lack.code === 'no-turn')
    return `${capital(list(names))} ${names.length > 1 ? 'have' : 'has'} no TURN server.`;
  if (lack.code === 'provider-failed')
    return `${capital(list(names))} got no TURN server: ${lack.clause('its')}.`;
  if (lack.code === 'udp-blocked') {
    const other = nameOf(otherEnd(end), reader);
    return `${capital(who)} gets no UDP through its network: ${lack.clause('its')} ${other}, but not ${who}.`;
  }
  return names.length > 1
    ? `Neither ${names.join(' nor ')} got a relay candidate: ${lack.clause('their')}.`
    : `${capital(who)} got no relay candidate: ${lack.clause('its')}.`;
}

/** Null when it has a relay, or answers that should have given it one. */
function lackOf(report: PeerReport, other: PeerReport | null): Lack | null {
  if (hasRelay(report)) return null;
  const turn = report.servers.filter(isTurn);
  if (turn.length === 0) return withoutTurn(report);
  const [refused] = turn.filter(({ answer }) => answer === 'refused');
  if (refused) {
    const urls = urlsOf(turn.filter(({ answer, code }) => answer === 'refused' && code === refused.code));
    const { says, advice } = REFUSALS[refused.code ?? 0] ?? {
      says: () => `answered with an error (${refused.code ?? refused.detail ?? 'without a code'})`,
      advice: 'See what the TURN server’s log says about it.',
    };
    return { code: 'turn-refused', clause: (its) => `${hostsInWords(urls)} ${says(its)}`, advice };
  }
  const unknown = urlsOf(turn.filter(({ answer }) => answer === 'unknown'));
  if (unknown.length > 0) {
    return {
      code: 'turn-unknown',
      clause: () => `the name ${hostsInWords(unknown)} can’t be resolved`,
      advice: 'Check the name in PLNTRY_TURN_URLS, and DNS in that network.',
    };
  }
  const silent = turn.filter(isSilent);
  if (silent.length > 0) return unanswered(silent, report, other);
  const untried = turn.filter(({ answer }) => answer === 'skipped');
  if (untried.length === 0) return null;
  const why = untried.find(({ detail }) => detail)?.detail;
  return {
    code: 'turn-untried',
    clause: () => `${serversInWords(urlsOf(untried))} was not tried${why ? ` (${why})` : ''}`,
    advice: 'Offer the TURN server over UDP, TCP and TLS in PLNTRY_TURN_URLS.',
  };
}

function withoutTurn({ notes }: PeerReport): Lack {
  const [note] = notes;
  if (!note) return { code: 'no-turn', clause: () => 'no TURN server is configured', advice: SET_TURN };
  // A provider's note is a sentence about what is wrong, and mostly one about what to do.
  const [what = '', ...advice] = note.split(/(?<=\.) /);
  return {
    code: 'provider-failed',
    clause: () => what.replace(/\.$/, ''),
    advice: advice.join(' ') || 'See the warnings in the server’s log.',
  };
}

function unanswered(silent: ServerAnswer[], report: PeerReport, other: PeerReport | null): Lack {
  const urls = urlsOf(silent);
  const there = new Set(
    other?.servers.flatMap(({ url, answer }) => (answer === 'ok' ? [serverKey(url)] : [])),
  );
  const elsewhere = urls.filter((url) => there.has(serverKey(url)));
  const noUdp = silent.every(isOverUdp) && report.servers.filter(isOverUdp).every(isSilent);
  if (noUdp && elsewhere.length > 0) {
    const [host] = hostsOf(elsewhere);
    return {
      code: 'udp-blocked',
      clause: () => `${serversInWords(elsewhere)} answers`,
      advice: `Add a TURN server over TLS to PLNTRY_TURN_URLS, such as turns:${host}:443?transport=tcp.`,
    };
  }
  const detail = silent.length === 1 ? silent[0]?.detail : undefined;
  const why = detail && !detail.startsWith('no answer') ? ` (${detail})` : '';
  return {
    code: 'turn-unreachable',
    clause: () => `${serversInWords(urls)} ${silent.length === 1 ? 'does' : 'do'} not answer${why}`,
    advice:
      elsewhere.length > 0
        ? 'It answers the other end, so this network seems to block it: offer TURN over TLS on port 443, too.'
        : 'See that the TURN server is running, and its ports are open in its firewall.',
  };
}

const urlsOf = (servers: ServerAnswer[]) => servers.map(({ url }) => url);
