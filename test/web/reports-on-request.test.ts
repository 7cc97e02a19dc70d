import { expect, test } from 'vitest';
import { withReportsOnRequest } from '../../web/peer/reports-on-request.ts';

const EXTENSION = 'http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02';
const lines = (...all: string[]) => all.map((line) => `${line}\r\n`).join('');
const offer = lines('v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:0', `a=extmap:7 ${EXTENSION}`);
const answer = lines(
  'v=0',
  'a=extmap-allow-mixed',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=mid:1',
);

test('the answer takes the extension under the offer’s number, in the video’s section', () => {
  const all = withReportsOnRequest(offer, answer).split('\r\n');
  const at = all.indexOf(`a=extmap:7 ${EXTENSION}`);
  expect(at).toBeGreaterThan(all.findIndex((line) => line.startsWith('m=video')));
  expect(at).toBeLessThan(all.findIndex((line) => line.startsWith('m=application')));
  expect(all.filter((line) => line !== `a=extmap:7 ${EXTENSION}`).join('\r\n')).toBe(answer);
});

test('an answer stays as it is where the offer has nothing of it, or the answer has it already', () => {
  expect(withReportsOnRequest(lines('v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96'), answer)).toBe(answer);
  const taken = withReportsOnRequest(offer, answer);
  expect(withReportsOnRequest(offer, taken)).toBe(taken);
});
