/**
 * The vehicle's DTLS handshake in as few round trips as a browser takes, as the server of it (RFC 5763:
 * the answerer is the client). werift's own takes three more; what it does and is mended here:
 *
 * - it listens only when its own connectivity check has been answered, while the operator, which has
 *   the offer first, is through with its own check a round trip earlier. Here it listens from the
 *   offer on, and answers on the path that an authentic check has come by;
 * - it asks for a cookie first (HelloVerifyRequest), as a server that anybody can flood should. Here
 *   nobody gets that far without the password of an ICE check (RFC 6347 4.2.1 leaves it to the server);
 * - it takes the client's certificate without a proof that it is the client's (RFC 5246 7.4.8), and a
 *   new ClientHello from anywhere resets a running connection. Neither is accepted here.
 *
 * Nothing that the other end sends is passed on before its certificate is the one of the answer.
 */
import { verify, X509Certificate } from 'node:crypto';
import * as werift from 'werift';

/** Handshake messages (RFC 5246 7.4). */
const CLIENT_HELLO = 1;
const CERTIFICATE_VERIFY = 15;
/** Of a ClientHello before its session id: version and random. */
const HELLO_HEAD_BYTES = 34;
/** First bytes of a SignatureAndHashAlgorithm (RFC 5246 7.4.1.4.1). */
const HASHES: Record<number, string> = { 4: 'sha256', 5: 'sha384', 6: 'sha512' };

type Protocol = Parameters<werift.Connection['checkIncoming']>[2];
type Address = Parameters<werift.Connection['checkIncoming']>[1];
type Handshake = Parameters<werift.DtlsServer['onHandleHandshakes']>[0][number];

/** What is used here of werift's inside. */
interface Ice extends Pick<werift.Connection, 'localPassword' | 'send' | 'onData'> {
  ensureProtocol(protocol: Protocol): void;
  /** A check of this end was answered, or not so long ago (RFC 7675). */
  consentFresh: boolean;
}
interface Transport
  extends Omit<
    werift.RTCDtlsTransport,
    'iceTransport' | 'srtpProfiles' | 'setState' | 'verifyRemoteCertificateFingerprint'
  > {
  readonly iceTransport: { connection: Ice };
  readonly srtpProfiles: NonNullable<werift.DtlsServer['options']['srtpProfiles']>;
  setState(state: werift.RTCDtlsTransport['state']): void;
  /** Throws when the other end's certificate is not the one of its description. */
  verifyRemoteCertificateFingerprint(): void;
}

/** To be called when the certificate is there; before that nobody can know where to send anything. */
export function hasten(dtlsTransport: werift.RTCDtlsTransport): void {
  const transport = dtlsTransport as unknown as Transport;
  const { localCertificate } = transport;
  if (!localCertificate) throw new Error('a DTLS server needs a certificate');
  const path = createPath(transport.iceTransport.connection, () => !server.connected);
  const server = new werift.DtlsServer({
    cert: localCertificate.certPem,
    key: localCertificate.privateKey,
    signatureHash: localCertificate.signatureHash,
    transport: path,
    srtpProfiles: transport.srtpProfiles,
    extendedMasterSecret: true,
    certificateRequest: true,
  });
  skipCookie(server, path);
  const proof = proven(server);
  // A handshake that fails before the answer is there is told to whoever asks for it then.
  proof.catch(() => {});

  const startAsClient = transport.start.bind(transport);
  transport.start = async () => {
    if (transport.role !== 'server') {
      path.closed = true;
      return startAsClient();
    }
    transport.dtls = server;
    transport.setState('connecting');
    server.onClose.subscribe(() => transport.state !== 'failed' && transport.setState('closed'));
    try {
      await proof;
      transport.verifyRemoteCertificateFingerprint();
    } catch (error) {
      transport.setState('failed');
      path.closed = true;
      throw error;
    }
    server.onData.subscribe((data) => transport.dataReceiver(data));
    transport.startSrtp();
    transport.setState('connected');
  };
}

/** The way of DTLS packets: the chosen pair; before there is one, where an authentic check came from. */
function createPath(ice: Ice, isHandshaking: () => boolean) {
  let from: { protocol: Protocol; address: Address } | null = null;
  const ensureProtocol = ice.ensureProtocol.bind(ice);
  ice.ensureProtocol = (protocol: Protocol) => {
    protocol.onRequestReceived.subscribe((_request, address, data) => {
      // werift itself answers checks without looking at their integrity (RFC 8445 7.3 has it looked at).
      if (data && werift.parseMessage(data, Buffer.from(ice.localPassword))) from = { protocol, address };
    });
    ensureProtocol(protocol);
  };
  const path = {
    type: 'ice',
    address: {} as werift.UdpTransport['address'],
    closed: false,
    /** What werift says is kept to itself. */
    muted: false,
    onData: (_data: Buffer) => {},
    async send(data: Buffer): Promise<void> {
      if (path.muted || path.closed) return;
      if (ice.consentFresh || !isHandshaking()) return ice.send(data);
      await from?.protocol.sendData(data, from.address);
    },
    async close(): Promise<void> {
      path.closed = true;
    },
  };
  ice.onData.subscribe((data) => {
    if (from && !path.closed && werift.isDtls(data)) path.onData(data);
  });
  return path;
}

/**
 * werift chooses its parameters when it asks for the cookie, and answers the ClientHello that brings it
 * back: here it asks nobody, and gets the same ClientHello again, with the cookie.
 */
function skipCookie(server: werift.DtlsServer, path: { muted: boolean }): void {
  const handle = server.onHandleHandshakes;
  const { dtls } = server;
  // Its answer is numbered as the second one, after the request for the cookie; it is the first.
  let sequenceNumber = 0;
  Object.defineProperty(dtls, 'sequenceNumber', {
    get: () => sequenceNumber,
    set(next: number) {
      sequenceNumber = dtls.flight === 4 && !dtls.handshakeCache[4] ? 0 : next;
    },
  });
  server.onHandleHandshakes = async (messages) => {
    const [hello] = messages;
    if (hello?.msg_type !== CLIENT_HELLO) return handle(messages);
    if (server.connected) return;
    if (!dtls.cookie) {
      path.muted = true;
      await handle([hello]);
      path.muted = false;
    }
    if (!dtls.cookie) return;
    const answered = handle([withCookie(hello, dtls.cookie)]);
    // What both ends sign is the ClientHello that was sent.
    dtls.handshakeCache[4]?.data.splice(0, 1, hello);
    await answered;
  };
}

/** RFC 6347 4.2.1: the cookie stands between the session id and the cipher suites. */
function withCookie(hello: Handshake, cookie: Buffer): Handshake {
  const at = HELLO_HEAD_BYTES + 1 + (hello.fragment[HELLO_HEAD_BYTES] ?? 0);
  const parts = [hello.fragment.subarray(0, at), Buffer.from([cookie.length]), cookie];
  const fragment = Buffer.concat([...parts, hello.fragment.subarray(at + 1)]);
  const size = { length: fragment.length, fragment_length: fragment.length };
  return Object.assign(Object.create(hello), { fragment, ...size });
}

/** Resolves when the handshake is through and the client has shown that its certificate is its own. */
function proven(server: werift.DtlsServer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const handle = server.onHandleHandshakes;
  let shown = false;
  server.onHandleHandshakes = async (messages) => {
    const [message] = messages;
    if (message?.msg_type === CERTIFICATE_VERIFY && !server.connected) {
      const signed = Buffer.concat(server.dtls.sortedHandshakeCache.map((one) => one.serialize()));
      shown ||= isSigned(signed, message.fragment, server.remoteCertificate);
      if (!shown) return reject(new Error('the other end does not have the key of its certificate'));
    }
    return handle(messages);
  };
  server.onConnect.once(() =>
    shown ? resolve() : reject(new Error('the other end has not shown that its certificate is its own')),
  );
  server.onError.once(reject);
  return promise;
}

/** @param proof a CertificateVerify (RFC 5246 7.4.8): hash, kind of key, length, signature */
function isSigned(signed: Buffer, proof: Buffer, certificate: Buffer | undefined): boolean {
  const hash = HASHES[proof[0] ?? 0];
  if (!hash || !certificate) return false;
  const signature = proof.subarray(4, 4 + proof.readUInt16BE(2));
  return verify(hash, signed, new X509Certificate(certificate).publicKey, signature);
}
