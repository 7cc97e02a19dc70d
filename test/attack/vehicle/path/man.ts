/**
 * The man on the path of a DTLS handshake between a car and its operator. He passes on what proves that the operator
 * is the operator, puts a key of his own beside it, and sees whether the car takes that for the operator's.
 *
 * Car as the server: the client's Finished never arrives, which would bind the proof to the key; a second
 * ClientKeyExchange and a Finished of zeros do, in plain text. Car as the client: the key in the server's
 * ServerKeyExchange is another one, under the signature of the right one, and the Finished is the attacker's.
 */
import type * as werift from 'werift';
import { CONTENT, handshake, record } from '../packets.ts';
import {
  type Direction,
  mediaOf,
  newHalf,
  open,
  prf,
  recordKeys,
  type Secret,
  seal,
  sha256,
} from './keys.ts';
import {
  createAssembly,
  isDtls,
  isMedia,
  MESSAGE,
  type Message,
  messagesIn,
  type Record,
  recordsIn,
} from './records.ts';

/** Long enough that the car has worked through what it was sent before, ms. */
const STRIKE_MS = 100;
/** Far from the operator's own. */
const FIRST_SEQUENCE = 1_000;
const RANDOM_AT = 2;
const RANDOM_BYTES = 32;
const USE_SRTP = 14;

type End = 'car' | 'operator';

export interface Man {
  pass(datagram: Buffer, from: End): void;
  /** A handshake came by. */
  tried(): boolean;
  /** The keys that the car uses, and the attacker has; null while he has none. */
  secret(): Secret | null;
  /** Packets of the car's media that he has decrypted. */
  decrypted(): number;
  /** Application data to the car, in the operator's place. */
  say(data: Buffer): void;
}

/** @param heard application data of the car, decrypted */
export function createMan(
  to: { [end in End]: (datagram: Buffer) => void },
  heard: (data: Buffer) => void,
): Man {
  const client = createAssembly();
  const server = createAssembly();
  let carIs: 'client' | 'server' = 'server';
  let half: ReturnType<typeof newHalf> | null = null;
  let struck = false;
  let secret: Secret | null = null;
  let keys: { car: Direction; own: Direction } | null = null;
  let media: werift.SrtpSession | null = null;
  let decrypted = 0;
  let sequence = FIRST_SEQUENCE;

  function pass(datagram: Buffer, from: End): void {
    const other = from === 'car' ? 'operator' : 'car';
    if (isMedia(datagram) && from === 'car' && media) return watch(datagram);
    if (!isDtls(datagram)) return to[other](datagram);
    const left = recordsIn(datagram).flatMap((one) =>
      one.epoch === 0 ? plain(one, from) : sealed(one, from),
    );
    if (left.length > 0) to[other](Buffer.concat(left));
  }

  /** What is passed on of a record in plain text. */
  function plain(one: Record, from: End): Buffer[] {
    const messages = messagesIn(one);
    if (messages.some(({ type }) => type === MESSAGE.clientHello))
      carIs = from === 'car' ? 'client' : 'server';
    if (messages.some(({ type }) => type === MESSAGE.helloVerifyRequest)) client.forget();
    if (struck && from === 'operator') return [];
    if (messages.some(({ type }) => type === MESSAGE.serverKeyExchange)) return exchange(one, messages, from);
    const fromClient = (from === 'car') === (carIs === 'client');
    for (const message of messages)
      if (message.type !== MESSAGE.helloVerifyRequest) (fromClient ? client : server).take(message);
    const proof = messages.some(({ type }) => type === MESSAGE.certificateVerify);
    if (carIs === 'server' && proof && from === 'operator' && !struck) setTimeout(strike, STRIKE_MS);
    // What the car says after its hello is the attacker's to answer.
    const hello = messages.some(({ type }) => type === MESSAGE.clientHello);
    return carIs === 'client' && from === 'car' && !hello ? [] : [one.whole];
  }

  /** The server's key: to be known, and where the car is to believe in another, to be changed. */
  function exchange(one: Record, messages: Message[], from: End): Buffer[] {
    for (const message of messages) {
      if (message.type !== MESSAGE.serverKeyExchange) {
        server.take(message);
        continue;
      }
      half ??= newHalf(message.body.readUInt16BE(1));
      if (from === 'operator') half.point.copy(message.body, 4);
      server.take(message);
    }
    return [one.whole];
  }

  function sealed(one: Record, from: End): Buffer[] {
    // The operator's Finished is what must not arrive, and of what comes after it nothing would be understood.
    if (from === 'operator') return [];
    if (!secret) find(one);
    const text = keys && open(keys.car, one);
    if (text && one.type === CONTENT.data) heard(text);
    return [];
  }

  function strike(): void {
    if (struck || !half) return;
    struck = true;
    const next = (client.find(MESSAGE.certificateVerify)?.sequence ?? 0) + 1;
    const point = Buffer.concat([Buffer.from([half.point.length]), half.point]);
    sayPlain(handshake(MESSAGE.clientKeyExchange, next, point));
    sayPlain(handshake(MESSAGE.finished, next + 1, Buffer.alloc(12)));
  }

  function sayPlain(message: Buffer, type: number = CONTENT.handshake): void {
    sequence += 1;
    to.car(record(type, 0, sequence, message));
  }

  /** Whether the car's first encrypted record is authentic by what the attacker knows. */
  function find(one: Record): void {
    for (const candidate of secrets()) {
      const { client: ofClient, server: ofServer } = recordKeys(candidate);
      const [car, own] = carIs === 'client' ? [ofClient, ofServer] : [ofServer, ofClient];
      const text = open(car, one);
      if (!text) continue;
      secret = candidate;
      keys = { car, own };
      const profile = profileOf(server.find(MESSAGE.serverHello));
      if (profile !== null) media = mediaOf(secret, profile, carIs);
      if (carIs === 'client') finish(text);
      return;
    }
  }

  /** What the car may have made of it, depending on what it counts as said. */
  function secrets(): Secret[] {
    const [clientHello, serverHello] = [client.find(MESSAGE.clientHello), server.find(MESSAGE.serverHello)];
    const other =
      carIs === 'client' ? client.find(MESSAGE.clientKeyExchange) : server.find(MESSAGE.serverKeyExchange);
    if (!half || !clientHello || !serverHello || !other) return [];
    const shared = half.secretWith(pointIn(other));
    const randoms = { clientRandom: randomOf(clientHello), serverRandom: randomOf(serverHello) };
    const [, ...flight] = client.all();
    const until = flight.findIndex(({ type }) => type === MESSAGE.clientKeyExchange) + 1;
    const before = [clientHello, ...server.all()];
    const own = Buffer.concat([Buffer.from([half.point.length]), half.point]);
    const swapped = flight.map((one) =>
      one.type === MESSAGE.clientKeyExchange ? { ...one, body: own } : one,
    );
    const added = { ...(flight.at(-1) as Message), type: MESSAGE.clientKeyExchange, body: own };
    const said = [flight, flight.slice(0, until), swapped, swapped.slice(0, until), [...flight, added]];
    const masters = said.map((all) => {
      const hash = sha256(written([...before, ...all]));
      return prf(shared, 'extended master secret', hash, 48);
    });
    const seed = Buffer.concat([randoms.clientRandom, randoms.serverRandom]);
    return [...masters, prf(shared, 'master secret', seed, 48)].map((master) => ({ master, ...randoms }));
  }

  /** The server's last word, as it has to be. @param finished the client's */
  function finish(finished: Buffer): void {
    if (!secret || !keys) return;
    const said = Buffer.concat([
      written([...client.all().slice(0, 1), ...server.all(), ...client.all().slice(1)]),
      finished,
    ]);
    const proof = prf(secret.master, 'server finished', sha256(said), 12);
    const next = (server.all().at(-1)?.sequence ?? 0) + 1;
    sayPlain(Buffer.from([1]), CONTENT.changeCipherSpec);
    const text = handshake(MESSAGE.finished, next, proof);
    to.car(record(CONTENT.handshake, 1, 0, seal(keys.own, CONTENT.handshake, 1, 0, text)));
  }

  function watch(datagram: Buffer): void {
    try {
      media?.decrypt(datagram);
      decrypted += 1;
    } catch {
      // RTCP, or another's.
    }
  }

  return {
    pass,
    tried: () => server.find(MESSAGE.serverHello) !== undefined,
    secret: () => secret,
    decrypted: () => decrypted,
    say(data) {
      if (!keys) return;
      sequence += 1;
      to.car(record(CONTENT.data, 1, sequence, seal(keys.own, CONTENT.data, 1, sequence, data)));
    },
  };
}

/** As both ends hash it (RFC 6347, section 4.2.6). */
const written = (messages: Message[]): Buffer =>
  Buffer.concat(messages.map(({ type, sequence, body }) => handshake(type, sequence, body)));

const randomOf = ({ body }: Message): Buffer => body.subarray(RANDOM_AT, RANDOM_AT + RANDOM_BYTES);

function pointIn({ type, body }: Message): Buffer {
  const at = type === MESSAGE.serverKeyExchange ? 3 : 0;
  return body.subarray(at + 1, at + 1 + (body[at] ?? 0));
}

/** Which SRTP profile the server has chosen (RFC 5764, section 4.1.1). */
function profileOf(hello: Message | undefined): number | null {
  if (!hello) return null;
  const { body } = hello;
  let at = RANDOM_AT + RANDOM_BYTES;
  at += 1 + (body[at] ?? 0) + 3 + 2;
  while (at + 4 <= body.length) {
    if (body.readUInt16BE(at) === USE_SRTP) return body.readUInt16BE(at + 6);
    at += 4 + body.readUInt16BE(at + 2);
  }
  return null;
}
