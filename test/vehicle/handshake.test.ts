import { createSocket } from 'node:dgram';
import { expect, onTestFinished, test } from 'vitest';
import * as werift from 'werift';
import { CHANNELS } from '../../shared/channels.ts';
import { createPeerFactory } from '../../vehicle/webrtc/peer.ts';

/** Handshake messages (RFC 5246 7.4, RFC 6347 4.3.2). */
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;

/** What is used here of werift's inside. */
interface Ice extends Pick<werift.Connection, 'onData' | 'send' | 'nominated'> {
  checkComplete(pair: werift.CandidatePair): void;
}

/** The vehicle's peer, and what it has said, by name. */
function vehicle() {
  const said: string[] = [];
  const waiting = new Map<string, () => void>();
  const say = (what: string) => {
    said.push(what);
    waiting.get(what)?.();
  };
  const candidates: werift.RTCIceCandidateInit[] = [];
  let onCandidate = (candidate: werift.RTCIceCandidateInit) => void candidates.push(candidate);
  const factory = createPeerFactory({ iceServers: () => [] });
  const peer = factory.create({
    candidate: (candidate) => candidate && onCandidate(candidate as werift.RTCIceCandidateInit),
    open: () => say('open'),
    failed: (detail) => say(`failed: ${detail}`),
    message: (_channel, text) => say(`message: ${text}`),
    mediaReady: () => say('media'),
    keyFrameWanted: () => {},
  });
  onTestFinished(() => {
    peer.close();
    factory.close();
  });
  return {
    ...peer,
    said,
    until: (what: string) =>
      new Promise<void>((resolve) => (said.includes(what) ? resolve() : waiting.set(what, resolve))),
    candidatesTo(listener: typeof onCandidate) {
      for (const candidate of candidates.splice(0)) listener(candidate);
      onCandidate = listener;
    },
  };
}

/** The operator's end, and the DTLS handshake messages that it gets, by type and number. */
function operator(certificates: werift.RTCCertificate[] = []) {
  const connection = new werift.RTCPeerConnection({
    bundlePolicy: 'max-bundle',
    iceServers: [],
    certificates,
    codecs: { video: [werift.useH264()] },
  });
  onTestFinished(() => connection.close());
  const events = connection.createDataChannel('events', { ...CHANNELS.events, negotiated: true });
  connection.createDataChannel('control', { ...CHANNELS.control, negotiated: true });
  const ice = connection.iceTransports[0]?.connection as unknown as Ice;
  const { checkComplete } = ice;
  // As browsers do: it sends on the first path that works, and does not wait to be told which to take.
  ice.checkComplete = (pair) => {
    pair.nominated ||= pair.state === werift.CandidatePairState.SUCCEEDED;
    checkComplete.call(ice, pair);
  };
  const handshakes: { type: number | undefined; number: number }[] = [];
  ice.onData.subscribe((packet) => {
    const isHandshake = packet[0] === 22 && packet.readUInt16BE(3) === 0;
    if (isHandshake) handshakes.push({ type: packet[13], number: packet.readUInt16BE(13 + 4) });
  });
  return {
    connection,
    ice,
    events,
    handshakes,
    async answer(offer: string): Promise<string> {
      await connection.setRemoteDescription({ type: 'offer', sdp: offer });
      const { sdp } = await connection.createAnswer();
      void connection.setLocalDescription({ type: 'answer', sdp });
      return sdp;
    },
    /** Its DTLS handshake is over. */
    secured: () => connection.dtlsTransports[0]?.onStateChange.watch((state) => state === 'connected'),
  };
}

/** Both ends as far as the answer, which the vehicle has not got yet. */
async function answered(certificates?: werift.RTCCertificate[]) {
  const car = vehicle();
  const far = operator(certificates);
  const answer = await far.answer(await car.createOffer());
  car.candidatesTo((candidate) => void far.connection.addIceCandidate(candidate));
  return { car, far, answer };
}

test('the vehicle answers the first ClientHello, and asks for no cookie', async () => {
  const { car, far, answer } = await answered();
  await car.acceptAnswer(answer);
  await car.until('open');
  expect(far.handshakes[0]).toEqual({ type: SERVER_HELLO, number: 0 });
});

test('the handshake does not wait for the answer, and what is sent does', async () => {
  const { car, far, answer } = await answered();
  await far.secured();
  expect(car.said).toEqual([]);
  await car.acceptAnswer(answer);
  await car.until('open');
  far.events.send('hello');
  await car.until('message: hello');
  expect(car.said).toEqual(['media', 'open', 'message: hello']);
});

test('whoever has another certificate than the answer says is refused', async () => {
  const { car, far, answer } = await answered();
  await far.secured();
  const other = answer.replace(/^(a=fingerprint:sha-256) (..)/gm, (_line, name, first) => {
    return `${name} ${first === '00' ? '01' : '00'}`;
  });
  await car.acceptAnswer(other);
  await car.until('failed: no network path works');
  expect(car.said).toEqual(['failed: no network path works']);
});

test('whoever shows a certificate without having its key is refused', async () => {
  const make = () =>
    werift.CipherContext.createSelfSignedCertificateWithKey(
      { signature: werift.SignatureAlgorithm.ecdsa_3, hash: werift.HashAlgorithm.sha256_4 },
      werift.NamedCurveAlgorithm.secp256r1_23,
    );
  const [seen, own] = [await make(), await make()];
  const stolen = new werift.RTCCertificate(own.keyPem, seen.certPem, seen.signatureHash);
  const { car, answer } = await answered([stolen]);
  await car.acceptAnswer(answer);
  await car.until('failed: no network path works');
  expect(car.said).toEqual(['failed: no network path works']);
});

test('a ClientHello from anywhere does not disturb a connection', async () => {
  const { car, far, answer } = await answered();
  const hello = new Promise<Buffer>((resolve) => {
    const { send } = far.ice;
    far.ice.send = (packet) => {
      if (packet[0] === 22 && packet[13] === CLIENT_HELLO) resolve(packet);
      return send(packet);
    };
  });
  await car.acceptAnswer(answer);
  await car.until('open');
  const [address, port] = far.ice.nominated?.remoteAddr ?? ['', 0];
  const stranger = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  onTestFinished(() => void stranger.close());
  const packet = await hello;
  await new Promise<void>((sent) => stranger.send(packet, port, address, () => sent()));
  far.events.send('still there');
  await car.until('message: still there');
});
