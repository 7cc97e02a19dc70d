import { expect, test } from 'vitest';
import { WANTED, withWantedExtensions } from '../../web/peer/wanted-extensions.ts';

const lines = (...all: string[]) => all.map((line) => `${line}\r\n`).join('');
const wanted = WANTED.map((uri, index) => `a=extmap:${7 + index} ${uri}`);
const offer = lines('v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:0', ...wanted);
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

test('the answer takes the extensions under the offer’s numbers, in the video’s section', () => {
  const all = withWantedExtensions(offer, answer).split('\r\n');
  for (const line of wanted) {
    const at = all.indexOf(line);
    expect(at).toBeGreaterThan(all.findIndex((one) => one.startsWith('m=video')));
    expect(at).toBeLessThan(all.findIndex((one) => one.startsWith('m=application')));
  }
  expect(all.filter((line) => !wanted.includes(line)).join('\r\n')).toBe(answer);
});

test('an answer stays as it is where the offer has nothing of them, or the answer has them already', () => {
  expect(withWantedExtensions(lines('v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96'), answer)).toBe(answer);
  const taken = withWantedExtensions(offer, answer);
  expect(withWantedExtensions(offer, taken)).toBe(taken);
});
