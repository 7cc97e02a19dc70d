/** What `--lan` prints: invitations as addresses and QR codes, and how to know the server by its certificate. */
import { inInk, qrLines } from './qr.ts';

export interface Invitation {
  /** Whom it is for. */
  label: string;
  link: string;
}

export interface LanFacts {
  invitations: Invitation[];
  /** One that the server has made itself: its file, and SHA-256 of it; null where browsers know it. */
  certificate: { path: string; fingerprint: string } | null;
  mqttsUrl: string;
  webUrl: string;
  /** How long invitations count. */
  validHours: number;
}

/** Characters; null when nobody looks. */
export type Terminal = { columns: number; rows: number } | null;

const MARGIN = '  ';
const GAP = '    ';
/** Lines that a code needs beside its own, for the label and the address. */
const AROUND = 3;

export function lanText(facts: LanFacts, terminal: Terminal): string {
  const { invitations, certificate, validHours } = facts;
  const lines = [
    '',
    'plntry is open to this network, for whoever has an invitation',
    `Each is for one browser, for ${validHours} hours; give it only to whom it is for.`,
    '',
    ...pictures(invitations, terminal),
    ...(certificate ? known(certificate.fingerprint) : []),
    ...vehicleLines(facts),
    'Stop         Ctrl-C',
    '',
  ];
  return `${lines.map((line) => (line === '' ? '' : MARGIN + line)).join('\n')}\n`;
}

function known(fingerprint: string): string[] {
  const bytes = fingerprint.split(':');
  return [
    `Certificate  ${bytes.slice(0, 16).join(':')}`,
    `             ${bytes.slice(16).join(':')}`,
    '             This server has made it itself, so a browser warns the first time. Go on if its',
    '             details show this SHA-256 fingerprint; if they show another, somebody is in between.',
    '',
  ];
}

function vehicleLines({ certificate, mqttsUrl, webUrl }: LanFacts): string[] {
  const trust = certificate ? [`               --tls-ca ${certificate.path} \\`] : [];
  return [
    `A vehicle    on another machine, with a token of 'plntry token car2 --out car2.token'${certificate ? ' and a copy of the file:' : ':'}`,
    '             plntry vehicle --room car2 --token-file car2.token \\',
    ...trust,
    `               --broker ${mqttsUrl} --server ${webUrl}`,
    '',
  ];
}

/** Side by side where there is room, otherwise one below the other; addresses alone where no code fits. */
function pictures(invitations: Invitation[], terminal: Terminal): string[] {
  const addresses = ({ label, link }: Invitation) => [label, link, ''];
  if (!terminal) return invitations.flatMap(addresses);
  const codes = invitations.map(({ link }) => qrLines(link));
  const fits = (width: number, height: number) =>
    MARGIN.length + width <= terminal.columns && height + AROUND <= terminal.rows;
  const widths = codes.map(([first = '']) => first.length);
  const height = Math.max(...codes.map(({ length }) => length));
  const together = widths.reduce((sum, width) => sum + width, GAP.length * (codes.length - 1));
  if (fits(together, height)) {
    const row = (cells: string[]) => cells.join(GAP);
    const labels = row(invitations.map(({ label }, at) => label.padEnd(widths[at] ?? 0))).trimEnd();
    const drawn = Array.from({ length: height }, (_, line) =>
      row(codes.map((code, at) => (code[line] ? inInk(code[line]) : ' '.repeat(widths[at] ?? 0)))),
    );
    return [labels, ...drawn, '', ...invitations.flatMap(addresses)];
  }
  const width = Math.max(...widths);
  if (fits(width, height)) {
    return invitations.flatMap((one, at) => [one.label, ...(codes[at] ?? []).map(inInk), one.link, '']);
  }
  const least = `${MARGIN.length + width} columns and ${height + AROUND} lines`;
  return [...invitations.flatMap(addresses), `In a terminal of ${least} these are QR codes too.`, ''];
}
