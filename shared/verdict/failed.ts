/** The verdict on a session for which no path works: what is missing, and at which end. Pure. */
import type { PeerReport, StateChange } from '../report.ts';
import type { Evidence, Verdict, VerdictCode } from '../verdict.ts';
import { type EndLack, hasRelay, lackInWords, lacksOf, placeOf, SET_TURN, sameAsFirst } from './lack.ts';
import { capital, list, nameOf, otherEnd } from './words.ts';

const ENDS = ['vehicle', 'operator'] as const;

/** The first of these that knows is right: each takes for granted that those before it found nothing. */
const CAUSES = [nothingHeard, agreedOnNothing, withoutAddress, withoutTurn, withoutRelay, relaysApart];

export function whyFailed(evidence: Evidence): Verdict {
  const lacks = lacksOf(evidence);
  for (const cause of CAUSES) {
    const found = cause(evidence, lacks);
    if (found) return found;
  }
  return failed(
    'no-path',
    'both',
    `${both(evidence)} have tried all their addresses, and no path works between them.`,
    'See that the firewalls let UDP through, and offer TURN over TLS on port 443.',
  );
}

type Cause = (evidence: Evidence, lacks: EndLack[]) => Verdict | null;

/** What one end lacks is told without the other's report too. */
function nothingHeard(evidence: Evidence, lacks: EndLack[]): ReturnType<Cause> {
  const silent = ENDS.filter((end) => evidence[end] === null);
  if (silent.length === 0 || lacks.length > 0) return null;
  const end = silent.length === 2 ? otherEnd(evidence.reader) : (silent[0] ?? 'vehicle');
  const name = nameOf(end, evidence.reader);
  return failed(
    'nothing-heard',
    end,
    `nothing was heard from ${name} about its network, and no path to it was found.`,
    `See that ${name} is up to date, and that its connection to the broker holds.`,
  );
}

function agreedOnNothing(evidence: Evidence): ReturnType<Cause> {
  const known = ENDS.filter((end) => evidence[end] !== null);
  const all = (of: StateChange['of']) => known.every((end) => isUp(lastOf(evidence[end], of)));
  if (!all('ice')) return null;
  if (!all('dtls')) {
    const end = known.find((one) => lastOf(evidence[one], 'dtls') === 'failed');
    return failed(
      'dtls-failed',
      end ?? 'both',
      `a network path works, but ${both(evidence)} could not agree on its encryption (DTLS).`,
      'Something on the way may drop large packets, or look into them: try again, or from another network.',
    );
  }
  if (all('channels')) return null;
  return failed(
    'channels-failed',
    'both',
    `a network path works, but the channels between ${both(evidence)} did not open.`,
    'Try again; if it stays, update both ends.',
  );
}

function withoutAddress(evidence: Evidence): ReturnType<Cause> {
  const nowhere = ENDS.filter((end) => {
    const report = evidence[end];
    // A server that has answered was asked from some address.
    return (
      report?.gathered.length === 0 && !report.servers.some(({ answer }) => /^(ok|refused)$/.test(answer))
    );
  });
  const [end] = nowhere;
  if (!end) return null;
  return failed(
    'no-address',
    nowhere.length === 2 ? 'both' : end,
    `${list(nowhere.map((one) => nameOf(one, evidence.reader)))} found no network address at all.`,
    'See that it is connected to a network, and that nothing forbids WebRTC there.',
  );
}

function withoutTurn(evidence: Evidence, lacks: EndLack[]): ReturnType<Cause> {
  const [first] = lacks;
  if (first?.lack.code !== 'no-turn') return null;
  const { vehicle, operator, reader } = evidence;
  const [car, here] = [nameOf('vehicle', reader), nameOf('operator', reader)];
  const end = placeOf(lacks) ?? 'both';
  if (end !== 'both') {
    const title = `${nameOf(end, reader)} has no TURN server, and no direct path to ${nameOf(otherEnd(end), reader)} works.`;
    return failed('no-turn', end, title, SET_TURN, hadBeen(evidence));
  }
  const families = [familyOf(vehicle), familyOf(operator)];
  if (families[0] && families[1] && families[0] !== families[1]) {
    const title = `${car} has ${families[0]} addresses only and ${here} ${families[1]} ones, and no TURN server is configured that joins them.`;
    return failed('ip-families', 'both', title, SET_TURN);
  }
  if (isHidden(vehicle) && isHidden(operator)) {
    const title = `${both(evidence)} hide their addresses from each other (mDNS), and no STUN or TURN server is configured that tells them.`;
    return failed('mdns-only', 'both', title, SET_TURN);
  }
  return failed(
    'no-turn',
    'both',
    `No TURN server is configured, and ${both(evidence)} have only direct addresses, which can’t reach each other.`,
    SET_TURN,
    join(whyNotDirect(evidence), hadBeen(evidence)),
  );
}

function withoutRelay(evidence: Evidence, lacks: EndLack[]): ReturnType<Cause> {
  const [first] = lacks;
  if (!first) return null;
  const same = sameAsFirst(lacks);
  const others = lacks.filter((one) => !same.includes(one));
  const relayed = ENDS.find((end) => hasRelay(evidence[end]));
  return failed(
    first.lack.code,
    placeOf(same) ?? 'both',
    lackInWords(lacks, evidence.reader),
    first.lack.advice,
    join(
      lackInWords(others, evidence.reader),
      relayed ? `${capital(nameOf(relayed, evidence.reader))} has a relay.` : '',
      hadBeen(evidence),
    ),
  );
}

function relaysApart(evidence: Evidence): ReturnType<Cause> {
  if (!hasRelay(evidence.vehicle) || !hasRelay(evidence.operator)) return null;
  return failed(
    'relays-apart',
    'both',
    `${both(evidence)} both have a relay, but nothing gets from one to the other.`,
    'Open the TURN server’s relay ports (UDP 49152 to 65535 unless configured) to the TURN server as well.',
    hadBeen(evidence),
  );
}

// Words and facts that several of them need

function failed(code: VerdictCode, end: Verdict['end'], title: string, advice: string, detail = ''): Verdict {
  return { state: 'failed', code, end, title: capital(title), detail, advice };
}

const both = ({ reader }: Evidence) => `${nameOf('vehicle', reader)} and ${nameOf('operator', reader)}`;

const join = (...parts: string[]) => parts.filter((part) => part !== '').join(' ');

const lastOf = (report: PeerReport | null, of: StateChange['of']) =>
  report?.states.findLast((one) => one.of === of)?.state;

const isUp = (state: string | undefined) => /^(connected|completed|open)$/.test(state ?? '');

function hadBeen({ vehicle, operator }: Evidence): string {
  const connected = [vehicle, operator].some((report) =>
    report?.states.some(({ of, state }) => of === 'channels' && state === 'open'),
  );
  return connected ? 'They had been connected before.' : '';
}

/** The one family of addresses that it has; null when it has both, or hides it. */
function familyOf(report: PeerReport | null): 'IPv4' | 'IPv6' | null {
  const families = new Set(report?.gathered.map(({ family }) => family));
  const [family] = families;
  return families.size === 1 && family && family !== 'mDNS' ? family : null;
}

const isHidden = (report: PeerReport | null) =>
  Boolean(report?.gathered.length) && report?.gathered.every(({ family }) => family === 'mDNS');

function whyNotDirect({ vehicle, operator }: Evidence): string {
  const known = [vehicle, operator].map((report) => report?.gathered.some(({ type }) => type === 'srflx'));
  return known.every(Boolean)
    ? 'Both are behind NATs or firewalls that let the other’s packets in from nowhere but where they sent to.'
    : 'At least one is behind a NAT or firewall that lets nothing in.';
}
