/** What the findings mean for somebody who wants to drive, or be driven, from here: one sentence. Pure. */
import type { PeerReport } from '../../shared/report.ts';
import { parseServerUrl } from '../../shared/server-url.ts';
import { isTurn, lacksOf } from '../../shared/verdict/lack.ts';
import { list, serversInWords, transportInWords } from '../../shared/verdict/words.ts';
import type { Diagnosis, Findings, Reach, TriedServer } from './findings.ts';
import { loginAdvice } from './login.ts';

type Problem = Omit<Diagnosis, 'status'>;

const CERTIFICATE = /certificate/;

/** The first of each list that has something to say is right. */
export function diagnose(findings: Findings): Diagnosis {
  for (const look of [noAddress, brokerAway, pagesAway, noPath]) {
    const problem = look(findings);
    if (problem) return { status: 'broken', ...problem };
  }
  for (const look of [
    noServers,
    noRelay,
    relayCarriesNothing,
    otherServers,
    partOfPages,
    relayOverUdpOnly,
    warned,
  ]) {
    const problem = look(findings);
    if (problem) return { status: 'limited', ...problem };
  }
  const ways = [...new Set(relaysOf(findings).map(transportOf))].map(transportInWords);
  return {
    status: 'works',
    title: `It works: a path can be expected to everywhere, directly or relayed over ${list(ways)}.`,
    advice: '',
  };
}

// What makes it impossible

function noAddress({ addresses }: Findings): Problem | null {
  if (addresses.length > 0) return null;
  return { title: 'This machine has no network address.', advice: 'Connect it to a network.' };
}

const brokerAway = ({ broker }: Findings) => (broker ? away('The broker', broker) : null);

/** Those who drive from here need nothing but the pages. */
function pagesAway({ broker, pages }: Findings): Problem | null {
  if (broker || !pages) return null;
  return away('The web server', pages.ice) ?? away('The broker of the pages', pages.mqtt);
}

function away(who: string, { url, answer, detail }: Reach): Problem | null {
  if (answer === 'ok' || answer === 'skipped') return null;
  const why = detail ? `: ${detail}` : '';
  if (answer === 'refused')
    return { title: `${who} ${url} refused${why}.`, advice: loginAdvice(detail ?? '') };
  if (answer === 'unknown') {
    return {
      title: `The name of ${who.toLowerCase()} ${url} can’t be resolved${why}.`,
      advice: 'Check the name, and DNS in this network.',
    };
  }
  return { title: `${who} ${url} can’t be reached${why}.`, advice: adviceFor(url, detail ?? '') };
}

function adviceFor(url: string, detail: string): string {
  if (CERTIFICATE.test(detail)) return adviceForCertificate(detail);
  if (/does not speak|closed the connection|was reset|handshake/.test(detail)) {
    return 'Check the port, and whether it is for TLS: mqtt:// mostly has 1883, mqtts:// 8883, and ws:// that of the pages.';
  }
  const secure = /^(wss|https):/.test(url);
  return secure
    ? 'See that it is running, and that no firewall is in between.'
    : 'See that it is running, and that its port is open in the firewalls in between.';
}

function adviceForCertificate(detail: string): string {
  if (/another name/.test(detail)) return 'Use the name that its certificate is for.';
  if (/expired|not valid yet/.test(detail)) return 'Renew the certificate, and check the clocks.';
  return 'If the certificate is right, set NODE_EXTRA_CA_CERTS to a file with it, or with that of its authority.';
}

function noPath(findings: Findings): Problem | null {
  if (findings.nat !== 'blocked') return null;
  const relays = relaysOf(findings);
  if (relays.some(hasCarried)) return null;
  if (relays.length > 0) return relayCarriesNothing(findings);
  return {
    title: 'Nothing gets through over UDP here, and there is no relay over TCP or TLS.',
    advice: 'Add a TURN server over TLS on port 443 to PLNTRY_TURN_URLS.',
  };
}

// What makes it impossible from or to some places

function noServers({ pages, servers }: Findings): Problem | null {
  if (servers.length > 0 || !pages) return null;
  return away('The web server', pages.ice);
}

function noRelay(findings: Findings): Problem | null {
  if (relaysOf(findings).length > 0) return null;
  const begin =
    findings.nat === 'dependent'
      ? 'It works only with peers that can be reached directly'
      : 'It works, but not from everywhere';
  return lackOf(findings, begin);
}

/** What a session's verdict would say of this end alone. */
function lackOf(findings: Findings, begin: string, more = ''): Problem | null {
  const [{ lack } = {}] = lacksOf({ vehicle: reportOf(findings), operator: null });
  if (!lack) return null;
  const clause = lack.clause('this machine’s');
  return {
    title: `${begin}: ${clause}${more}.`,
    advice: CERTIFICATE.test(clause) ? adviceForCertificate(clause) : lack.advice,
  };
}

function relayCarriesNothing(findings: Findings): Problem | null {
  const tried = relaysOf(findings).filter(({ carries }) => Object.keys(carries ?? {}).length > 0);
  const mute = tried.filter((server) => !hasCarried(server));
  if (mute.length > 0) {
    return {
      title: `No packet came through the relay of ${named(mute)}.`,
      advice:
        'See that the UDP ports of its relays are open in its firewall (min-port to max-port, 49152–65535).',
    };
  }
  const closed = tried.filter(({ carries }) => carries?.direct === false);
  if (closed.length === 0 || findings.nat === 'blocked') return null;
  return {
    title: `It works, but nobody without a relay of their own reaches that of ${named(closed)}.`,
    advice: 'Open the UDP ports of its relays in its firewall (min-port to max-port, 49152–65535).',
  };
}

function otherServers(findings: Findings): Problem | null {
  // Without UDP, what is there over UDP only is not expected to answer.
  const failed = findings.servers.filter(
    (server) =>
      !['ok', 'skipped'].includes(server.answer) &&
      !(findings.nat === 'blocked' && transportOf(server) === 'udp'),
  );
  const [first] = [...failed.filter(isTurn), ...failed];
  if (!first) return null;
  const more = failed.length > 1 ? `, and ${failed.length - 1} more` : '';
  const begin = 'It works, but not all servers';
  if (isTurn(first)) return lackOf({ ...findings, servers: [first] }, begin, more);
  return {
    title: `${begin}: ${named([first])} does not answer${more}.`,
    advice: 'Check the addresses in PLNTRY_STUN_URLS.',
  };
}

/** With a broker of its own, the vehicle does without them. */
const partOfPages = ({ pages }: Findings): Problem | null =>
  pages && (away('The web server', pages.ice) ?? away('The broker of the pages', pages.mqtt));

function relayOverUdpOnly(findings: Findings): Problem | null {
  if (relaysOf(findings).some((server) => transportOf(server) !== 'udp')) return null;
  const [host = ''] = findings.servers.flatMap(({ url }) => parseServerUrl(url)?.host ?? []);
  return {
    title: 'It works, but not from networks that block UDP, as there is no relay over TCP or TLS.',
    advice: `Add a TURN server over TLS to PLNTRY_TURN_URLS, such as turns:${host}:443?transport=tcp.`,
  };
}

const warned = ({ warnings: [first] }: Findings): Problem | null =>
  first === undefined ? null : { title: `It works, with a warning: ${first}`, advice: '' };

const hasCarried = ({ carries }: TriedServer) => carries?.relayed || carries?.direct;
const relaysOf = ({ servers }: Findings): TriedServer[] => servers.filter(({ relayed }) => relayed);
const transportOf = ({ url }: TriedServer) => parseServerUrl(url)?.transport ?? 'udp';
const named = (servers: TriedServer[]): string => serversInWords(servers.map(({ url }) => url));

/** As this machine would report it in a session. */
function reportOf({ servers, warnings }: Findings): PeerReport {
  const relays = servers.filter(({ relayed }) => relayed);
  return {
    gathered: relays.map(() => ({ type: 'relay', protocol: 'udp', family: 'IPv4' })),
    servers,
    states: [],
    pair: null,
    notes: warnings,
  };
}
