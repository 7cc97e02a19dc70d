/** A broker in the wrong hands: between a vehicle and its operators, and able to change what they say. */
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';
import { onTestFinished } from 'vitest';
import type { Sdp } from '../../shared/messages.ts';
import { createTopics } from '../../shared/topics.ts';

export interface Described {
  from: string;
  to: string;
  message: Sdp;
}

/** What becomes of a description on its way: it is passed on as returned, in that order; nothing for an empty list. */
export type Tamper = (said: Described) => Sdp[];

export const HONEST: Tamper = ({ message }) => [message];

export async function startHostileBroker(room = 'car1') {
  const topics = createTopics();
  const aedes = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    await new Promise((resolve) => server.close(resolve));
  });
  const described: Described[] = [];
  let tamper = HONEST;

  const publish = (topic: string, message: object): Promise<void> =>
    new Promise((resolve, reject) => {
      const payload = JSON.stringify(message);
      const packet = { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false } as const;
      aedes.publish(packet, (error) => (error ? reject(error) : resolve()));
    });
  const topicOf = ({ from, to }: Pick<Described, 'from' | 'to'>) => topics.sdp(room, from, to);

  aedes.authorizePublish = (_client, packet, callback) => {
    const topic = topics.parse(packet.topic);
    if (topic?.kind !== 'sdp') return callback(null);
    const said = { from: topic.from, to: topic.to, message: JSON.parse(packet.payload.toString()) };
    described.push(said);
    const [last = {}, ...before] = tamper(said).reverse();
    packet.payload = Buffer.from(JSON.stringify(last));
    const all = before.reverse().map((message) => publish(topicOf(said), message));
    void Promise.all(all).then(() => callback(null));
  };
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What the peers have said, before it was changed. */
    described,
    tamper(how: Tamper): void {
      tamper = how;
    },
    /** Says something in a peer's name. */
    say: (from: string, to: string, message: object) => publish(topicOf({ from, to }), message),
  };
}

/** With the fingerprints of a certificate that the attacker has. */
export const withOtherFingerprint = (message: Sdp): Sdp => ({
  ...message,
  sdp: message.sdp?.replace(/^(a=fingerprint:sha-256) .*$/gm, `$1 ${Array(32).fill('AB').join(':')}`),
});

export function withoutSignature({ key: _key, sig: _sig, pass: _pass, ...message }: Sdp): Sdp {
  return message;
}
