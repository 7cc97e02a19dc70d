/** The doctor's report as people read it. Pure. */
import type { DoctorReport, Findings, Nat, Reach, TriedServer } from './findings.ts';

/** ✓ it is there; ✗ it is not; – nobody asked, or nobody knows. */
type Mark = '✓' | '✗' | '–';

interface Line {
  mark: Mark;
  /** What was looked at; may be empty. */
  what: string;
  found: string;
}

/** Columns of a line. */
const WIDTH = 100;

const NAT: Record<Nat, [Mark, string]> = {
  none: ['✓', 'none: servers see this machine’s own address'],
  independent: ['✓', 'endpoint-independent: peers can reach this machine at one public address'],
  dependent: ['✗', 'endpoint-dependent (symmetric): peers that have one too need a relay'],
  blocked: ['✗', 'UDP is blocked: no server answers over UDP, though one does over TCP or TLS'],
  unknown: ['–', 'not known: it takes the answers of two servers over UDP'],
};

export function inWords({ findings, diagnosis, ms }: DoctorReport): string {
  const sections: [string, Line[]][] = [
    ['This machine', addressLines(findings)],
    ['Broker and pages', reachLines(findings)],
    ['STUN and TURN', serverLines(findings)],
  ];
  const text = sections.flatMap(([title, lines]) => ['', title, ...aligned(lines)]);
  const end = [
    '',
    ...wrapped(diagnosis.title),
    ...wrapped(diagnosis.advice),
    '',
    `(${(ms / 1000).toFixed(1)} s)`,
  ];
  return [...text.slice(1), ...end, ''].join('\n');
}

function addressLines({ addresses, nat }: Findings): Line[] {
  const lines = (['IPv4', 'IPv6'] as const).map((family): Line => {
    const own = addresses.filter((each) => each.family === family);
    const found = own.map(({ address, name }) => `${address} (${name})`).join(', ');
    return { mark: found ? '✓' : '–', what: family, found: found || 'no address' };
  });
  const [mark, found] = NAT[nat];
  return [...lines, { mark, what: 'NAT', found }];
}

function reachLines({ broker, pages }: Findings): Line[] {
  const given = broker
    ? [reachLine(broker)]
    : [{ mark: '–', what: 'broker', found: 'not given (--broker)' } as const];
  if (!pages) return [...given, { mark: '–', what: 'web server', found: 'not given (--server)' }];
  return [...given, reachLine(pages.ice), reachLine(pages.mqtt)];
}

function reachLine({ url, answer, detail, ms }: Reach): Line {
  if (answer === 'ok') return { mark: '✓', what: url, found: `answers, ${ms} ms` };
  return { mark: answer === 'skipped' ? '–' : '✗', what: url, found: withDetail(SAID[answer], detail) };
}

const SAID = {
  refused: 'refused',
  unreachable: 'can’t be reached',
  unknown: 'can’t be resolved',
  skipped: 'not asked',
  waiting: 'no answer yet',
} as const;

function serverLines({ servers, warnings }: Findings): Line[] {
  const warned = warnings.map((found): Line => ({ mark: '✗', what: 'warning', found }));
  if (servers.length > 0) return [...servers.map(serverLine), ...warned];
  return [{ mark: '–', what: '', found: 'no servers are configured' }, ...warned];
}

function serverLine(server: TriedServer): Line {
  const { url, answer, code, detail, rttMs, seen, relayed, carries } = server;
  if (answer !== 'ok') {
    const found = withDetail(code ? `${SAID[answer]} (${code})` : SAID[answer], detail);
    return { mark: answer === 'skipped' ? '–' : '✗', what: url, found };
  }
  const round = rttMs === undefined ? [] : [`${rttMs} ms`];
  const sees = seen ? [`sees ${seen}`] : [];
  if (!relayed) return { mark: '✓', what: url, found: [...round, ...sees].join(', ') };
  const ways = [carries?.direct && 'from here directly', carries?.relayed && 'from another relay'].filter(
    Boolean,
  );
  const tried = Object.keys(carries ?? {}).length > 0;
  const said = ways.length > 0 ? `packets come through ${ways.join(' and ')}` : 'no packet comes through';
  const mark = ways.length > 0 || !tried ? '✓' : '✗';
  return { mark, what: url, found: [...round, `relay ${relayed}`, ...(tried ? [said] : [])].join(', ') };
}

const withDetail = (what: string, detail: string | undefined) => (detail ? `${what}: ${detail}` : what);

function aligned(lines: Line[]): string[] {
  const width = Math.max(...lines.map(({ what }) => what.length));
  return lines.map(({ mark, what, found }) => `  ${mark} ${`${what.padEnd(width)}  `.trimStart()}${found}`);
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < WIDTH) lines[lines.length - 1] = `${line} ${word}`;
    else if (word) lines.push(word);
  }
  return lines;
}
