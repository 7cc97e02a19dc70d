/** What --lan prints: codes that a phone reads, where there is room for them. */
import jsqr from 'jsqr';
import { describe, expect, test } from 'vitest';
import { invitationLink } from '../../deploy/access-options.ts';
import { lanText, type Terminal } from '../../deploy/lan-text.ts';

// Of its types the module's own export is missing under ESM.
const readCode = jsqr as unknown as typeof jsqr.default;

/** As long as real ones. */
const tokenOf = (letter: string) => `eyJhbGciOiJIUzI1NiJ9.${letter.repeat(220)}.${letter.repeat(43)}`;
const LINKS = [
  invitationLink('https://192.168.100.200:8080', tokenOf('a')),
  invitationLink('https://192.168.100.200:8080', tokenOf('b')),
];
const FINGERPRINT = Array.from({ length: 32 }, (_, at) =>
  at.toString(16).padStart(2, '0').toUpperCase(),
).join(':');

const printed = (terminal: Terminal) =>
  lanText(
    {
      invitations: [
        { label: 'Drive', link: LINKS[0] ?? '' },
        { label: 'Be the car', link: LINKS[1] ?? '' },
      ],
      certificate: { path: '/data/lan/certificate.pem', fingerprint: FINGERPRINT },
      mqttsUrl: 'mqtts://192.168.100.200:8883',
      webUrl: 'https://192.168.100.200:8080',
      validHours: 12,
    },
    terminal,
  );

const INKED = new RegExp(
  `${String.fromCharCode(27)}\\[38;5;16;48;5;231m([ ▀▄█]+)${String.fromCharCode(27)}\\[0m`,
  'g',
);

/** The codes in a text, each as the lines of its characters; codes side by side are told apart by their place. */
function codesIn(text: string): string[][] {
  const codes: string[][] = [];
  let row: string[][] = [];
  for (const line of text.split('\n')) {
    const cells = [...line.matchAll(INKED)].map(([, cell = '']) => cell);
    if (cells.length === 0) row = [];
    for (const [at, cell] of cells.entries()) {
      const code = row[at] ?? [];
      if (code.length === 0) codes.push(code);
      row[at] = code;
      code.push(cell);
    }
  }
  return codes;
}

/** What a camera sees of it, read. */
function read(code: string[]): string | undefined {
  const SCALE = 4;
  const width = (code[0]?.length ?? 0) * SCALE;
  const height = code.length * 2 * SCALE;
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const character = code[Math.floor(y / SCALE / 2)]?.[Math.floor(x / SCALE)] ?? ' ';
      const upper = Math.floor(y / SCALE) % 2 === 0;
      if (character === '█' || character === (upper ? '▀' : '▄'))
        pixels.fill(0, 4 * (y * width + x), 4 * (y * width + x) + 3);
    }
  }
  return readCode(pixels, width, height)?.data;
}

describe('the QR codes', () => {
  test('lead where the addresses beside them lead, next to each other where there is room', () => {
    const text = printed({ columns: 200, rows: 60 });
    expect(codesIn(text).map(read)).toEqual(LINKS);
    for (const link of LINKS) expect(text).toContain(link);
    expect(
      text.split('\n').every((line) => line.replace(INKED, '$1').length <= 200 || line.includes('/join#')),
    ).toBe(true);
  });

  test('stand below each other in a narrower terminal', () => {
    const text = printed({ columns: 90, rows: 60 });
    expect(codesIn(text).map(read)).toEqual(LINKS);
    expect(text.split('\n').every((line) => line.replace(INKED, '$1').length <= 200)).toBe(false);
  });

  test.each<[string, Terminal]>([
    ['a terminal that is too narrow', { columns: 60, rows: 60 }],
    ['one that is too low to show one whole', { columns: 200, rows: 24 }],
    ['no terminal', null],
  ])('%s has none, but the addresses', (_what, terminal) => {
    const text = printed(terminal);
    expect(text).not.toContain(String.fromCharCode(27));
    for (const link of LINKS) expect(text).toContain(link);
    const [, columns, rows] = /terminal of (\d+) columns and (\d+) lines/.exec(text) ?? [];
    expect(columns === undefined).toBe(terminal === null);
    if (columns) expect(codesIn(printed({ columns: Number(columns), rows: Number(rows) }))).toHaveLength(2);
  });
});

test('the fingerprint is there in full, with what it is for', () => {
  const text = printed(null).replace(/\n\s+/g, ' ');
  expect(text).toContain(`${FINGERPRINT.slice(0, 47)} ${FINGERPRINT.slice(48)}`);
  expect(text).toContain('a browser warns the first time');
});
