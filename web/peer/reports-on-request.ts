/**
 * Browsers can report each packet's arrival when the sender asks for it (transport-wide-cc-02, see
 * docs/protocol.md), but Chromium says so only when the answer says it for it. Without that it reports every
 * 62 ms only, in which a path that got narrow fills a queue of half a second.
 */
const EXTENSION = 'http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02';

/** The answer, with the extension as the offer numbers it; as it is when it wasn't offered, or is there. */
export function withReportsOnRequest(offer: string, answer: string): string {
  const id = new RegExp(`^a=extmap:(\\d+)\\S* ${EXTENSION}`, 'm').exec(offer)?.[1];
  if (!id || answer.includes(EXTENSION)) return answer;
  return answer.replace(/^m=video .*\r\n(?:(?!m=|a=extmap:).*\r\n)*/m, `$&a=extmap:${id} ${EXTENSION}\r\n`);
}
