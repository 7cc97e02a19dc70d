/** The verdict on a path that works: which it is, and what it would lack elsewhere. Pure. */
import { endOf, pathOf } from '../path.ts';
import { parseServerUrl } from '../server-url.ts';
import type { Evidence, Path, Verdict } from '../verdict.ts';
import { isTurn, lackInWords, lacksOf, placeOf, SET_TURN } from './lack.ts';
import { hostsOf, list, nameOf, transportInWords } from './words.ts';

export function whileConnected(evidence: Evidence): Verdict {
  const { vehicle, operator } = evidence;
  const ends = { vehicle: endOf(vehicle, operator), operator: endOf(operator, vehicle) };
  const base = { state: 'connected' as const, ...warningOf(evidence) };
  if (!ends.vehicle || !ends.operator) return { ...base, code: 'direct', title: 'Connected.' };
  const kind = pathOf([ends.vehicle, ends.operator]);
  const path: Path = { kind, vehicle: ends.vehicle, operator: ends.operator };
  return kind === 'relay'
    ? { ...base, code: 'relayed', title: relayedWords(evidence, path), path }
    : { ...base, code: 'direct', title: directWords(evidence, path), path };
}

function directWords({ reader }: Evidence, { kind, vehicle, operator }: Path): string {
  const protocol = [vehicle, operator].some((end) => end.protocol === 'tcp') ? 'TCP' : 'UDP';
  // What only the other end has seen (prflx) may be a NAT's doing, or the browser's, which hides it.
  const through = kind === 'srflx' ? ', through NAT,' : '';
  const [one, other] = [nameOf('vehicle', reader), nameOf('operator', reader)];
  return `Direct${through} between ${one} and ${other} over ${protocol}.`;
}

function relayedWords(evidence: Evidence, path: Path): string {
  const ends = (['operator', 'vehicle'] as const).filter((end) => path[end].type === 'relay');
  const ways = ends.map((end) => {
    const { relayProtocol } = path[end];
    const name = nameOf(end, evidence.reader);
    return relayProtocol ? `${name} over ${transportInWords(relayProtocol)}` : name;
  });
  // Where an end has several servers that would do, it is not known which one is in use.
  const hosts = ends.map((end) => {
    const fits = evidence[end]?.servers.filter(
      (server) =>
        isTurn(server) &&
        server.answer === 'ok' &&
        parseServerUrl(server.url)?.transport === path[end].relayProtocol,
    );
    return hostsOf((fits ?? []).map(({ url }) => url));
  });
  const known = hosts.every(({ length }) => length === 1);
  const through = known ? `, through ${list([...new Set(hosts.flat())])}` : '';
  return `Relayed: ${list(ways)}${through}.`;
}

/** What is missing at an end that would be needed in another network. */
function warningOf(evidence: Evidence): Pick<Verdict, 'end' | 'detail' | 'advice'> {
  // A relay that nobody needed was not asked for, and may well be there.
  const lacks = lacksOf(evidence).filter(({ lack }) => lack.code !== 'turn-untried');
  const [first] = lacks;
  if (!first) return { end: null, detail: '', advice: '' };
  const detail =
    first.lack.code === 'no-turn'
      ? 'It works here, but from most other networks it won’t, as there is no TURN server.'
      : `It works here, but not from everywhere. ${lackInWords(lacks, evidence.reader)}`;
  return {
    end: placeOf(lacks),
    detail,
    advice: first.lack.code === 'no-turn' ? SET_TURN : first.lack.advice,
  };
}
