/**
 * A broker in the wrong hands, which changes what nobody signs: it gives each end the attacker's own address
 * instead of the other's.
 */
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';
import type { Ice, Sdp } from '../../../../shared/messages.ts';
import { createTopics } from '../../../../shared/topics.ts';
import { type Place, placesIn } from '../ears.ts';

export interface Tapped {
  url: string;
  /** What was said of a session, as it was signed. */
  described: Sdp[];
  close(): Promise<void>;
}

/**
 * @param instead where an end is told that the other is, which is really at this place
 */
export async function startTappedBroker(
  room: string,
  instead: (really: Place, of: 'car' | 'operator') => Place,
): Promise<Tapped> {
  const topics = createTopics();
  const aedes = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const described: Sdp[] = [];
  aedes.authorizePublish = (_client, packet, callback) => {
    const topic = topics.parse(packet.topic);
    if (topic?.kind === 'sdp') described.push(JSON.parse(packet.payload.toString()));
    if (topic?.kind === 'ice') {
      const message: Ice = JSON.parse(packet.payload.toString());
      const of = topic.from === room ? 'car' : 'operator';
      const candidates = message.candidates.flatMap((one) => {
        const [place] = placesIn(one.candidate);
        // One way is enough, and the attacker's sockets are of IPv4.
        if (!place || place.address.includes(':') || !one.candidate.includes('typ host')) return [];
        const { address, port } = instead(place, of);
        return [
          {
            ...one,
            candidate: one.candidate.replace(`${place.address} ${place.port}`, `${address} ${port}`),
          },
        ];
      });
      packet.payload = Buffer.from(JSON.stringify({ ...message, candidates }));
    }
    callback(null);
  };
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    described,
    async close() {
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
