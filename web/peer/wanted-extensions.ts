/**
 * RTP header extensions that browsers can use but leave out of their answers, unless the answer is made to say
 * them (docs/protocol.md).
 */
export const WANTED = [
  /**
   * Each packet's arrival is reported when the sender asks for it. Without that Chromium reports every 62 ms only,
   * in which a path that got narrow fills a queue of half a second.
   */
  'http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02',
  /** When a picture was taken: how old what is on the screen is. */
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
];

/** The answer, with the extensions as the offer numbers them; without those that it doesn't offer. */
export const withWantedExtensions = (offer: string, answer: string): string =>
  WANTED.reduce((sdp, uri) => withExtension(offer, sdp, uri), answer);

function withExtension(offer: string, answer: string, uri: string): string {
  const id = new RegExp(`^a=extmap:(\\d+)\\S* ${uri}`, 'm').exec(offer)?.[1];
  if (!id || answer.includes(uri)) return answer;
  return answer.replace(/^m=video .*\r\n(?:(?!m=|a=extmap:).*\r\n)*/m, `$&a=extmap:${id} ${uri}\r\n`);
}
