/** Who is let in at the wire: nobody but who has the certificate of the answer, and its key. */
import { expect, test } from 'vitest';
import * as werift from 'werift';
import { meet } from './operator-end.ts';

const makeCertificate = () =>
  werift.CipherContext.createSelfSignedCertificateWithKey(
    { signature: werift.SignatureAlgorithm.ecdsa_3, hash: werift.HashAlgorithm.sha256_4 },
    werift.NamedCurveAlgorithm.secp256r1_23,
  );

const FAILED = 'failed: the DTLS handshake failed';

test('media can be sent before the channels are open, and nothing is said before', async () => {
  const both = meet();
  await both.negotiate();
  await both.vehicle.until('open');
  await both.heard('hello');
  expect(both.vehicle.said).toEqual(['media', 'open', 'events: hello']);
});

test('an answer that would have the vehicle be the client is right, too', async () => {
  const both = meet();
  await both.negotiate(undefined, 'passive');
  await both.vehicle.until('open');
  await both.heard();
});

test('nothing of what comes before the answer is passed on', async () => {
  const both = meet();
  const answer = Promise.withResolvers<void>();
  const accept = both.vehicle.peer.acceptAnswer;
  both.vehicle.peer.acceptAnswer = async (sdp) => {
    await answer.promise;
    return accept(sdp);
  };
  const negotiating = both.negotiate();
  // As long as several checks and handshakes of the operator's.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(both.vehicle.said).toEqual([]);
  answer.resolve();
  await negotiating;
  await both.vehicle.until('open');
});

test('whoever has another certificate than the answer says is refused', async () => {
  const both = meet();
  await both.negotiate((answer) =>
    answer.replace(/^(a=fingerprint:sha-256) (..)/gm, (_line, name, first) => {
      return `${name} ${first === '00' ? '01' : '00'}`;
    }),
  );
  await both.vehicle.until(FAILED);
  expect(both.vehicle.said).toEqual([FAILED]);
});

test('whoever shows a certificate without having its key is refused', async () => {
  const [seen, own] = [await makeCertificate(), await makeCertificate()];
  const stolen = new werift.RTCCertificate(own.keyPem, seen.certPem, seen.signatureHash);
  const both = meet({}, { certificates: [stolen] });
  await both.negotiate();
  await both.vehicle.until(FAILED);
  expect(both.vehicle.said).toEqual([FAILED]);
});

test.each([
  ['nothing', ''],
  ['noise', 'v=0\r\nnoise'],
  ['no fingerprint', null],
])('an answer with %s is refused, and ends nothing but itself', async (_what, sdp) => {
  const both = meet();
  const change = (answer: string) => sdp ?? answer.replace(/^a=fingerprint.*\r\n/gm, '');
  await expect(both.negotiate(change)).rejects.toThrow();
  expect(both.vehicle.said).toEqual([]);
});

test('after its end nothing is told, and nothing can be sent', async () => {
  const both = meet();
  await both.negotiate();
  await both.vehicle.until('open');
  await both.heard();
  const said = [...both.vehicle.said];
  both.operator.channels.events.send('too late');
  both.vehicle.peer.close();
  expect(both.vehicle.peer.send('events', 'hello')).toBe(false);
  expect(await both.vehicle.peer.stats()).toBeNull();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(both.vehicle.said).toEqual(said);
});
