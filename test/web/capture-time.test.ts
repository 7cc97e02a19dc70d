import { expect, test } from 'vitest';
import { capturedAt } from '../../web/console/capture-time.ts';

const AT = 1_800_000_000_000;
const NTP = AT + 2_208_988_800_000;

test('the picture that came last is the one that is shown', () => {
  expect(capturedAt([{ rtpTimestamp: 9_000, captureTimestamp: NTP }], 9_000)).toBe(AT);
});

test('a later one has come already; RTP time may have gone round in between', () => {
  expect(capturedAt([{ rtpTimestamp: 12_000, captureTimestamp: NTP }], 9_000)).toBeCloseTo(AT - 33.3, 0);
  expect(capturedAt([{ rtpTimestamp: 1_000, captureTimestamp: NTP }], 2 ** 32 - 2_000)).toBeCloseTo(
    AT - 33.3,
    0,
  );
});

test.each([
  ['no source', [], 9_000],
  ['a sender that does not say it', [{ rtpTimestamp: 9_000 }], 9_000],
  [
    'a browser that does not say which picture is shown',
    [{ rtpTimestamp: 9_000, captureTimestamp: NTP }],
    undefined,
  ],
])('unknown: %s', (_name, sources, shown) => {
  expect(capturedAt(sources, shown)).toBeNull();
});
