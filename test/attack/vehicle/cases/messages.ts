/**
 * Floods over MQTT of an operator who has every right to be there: all the connections that one token gets, each as
 * fast as the broker lets it.
 */
import mqtt, { type MqttClient } from 'mqtt';
import { buildMessage, type Sdp } from '../../../../shared/messages.ts';
import { createSigner, newKey } from '../../../../shared/signature.ts';
import { createTopics } from '../../../../shared/topics.ts';
import { SDP } from '../../cases/messages.ts';
import { range } from '../../wire/raw.ts';
import type { Flood, Front, VehicleAttack } from '../attack.ts';
import { repeat } from '../insider.ts';

const topics = createTopics();
/** As many as the server lets one token have. */
const CONNECTIONS = 16;
/** More than the broker takes of them, packets a second, so that it is the broker that slows them down. */
const PER_SECOND = CONNECTIONS * 60;
/** As many as one message may have (messages.ts). */
const MOST_CANDIDATES = 200;
const FULL_MS = 6_000;
const TEST_MS = 1_500;

/** What is said to the car, and under which kind of topic. @param offer the car's last one; null while there is none */
type Words = (
  front: Front,
  offer: Sdp | null,
) => (count: number) => [kind: 'sdp' | 'ice' | 'bye' | 'report', text: string];

const session = (offer: Sdp | null) => offer?.session ?? '0mq5h2k9a-x7f2';

/** Right in all but that they are signed by nobody whom the pass is for. */
const wrongAnswers: Words = ({ room, login }, offer) => {
  const right = createSigner(room, login.id, login.secretKey);
  const answer = { session: session(offer), seq: offer?.seq ?? 0, type: 'answer', sdp: SDP } as const;
  return (count) => {
    // Each another one, under a signature that has the form of one: it has to be looked at to be refused.
    const sdp = `${SDP}a=x-${count}\r\n`;
    const { sig, key } = right(room, answer);
    return ['sdp', buildMessage('sdp', { ...answer, sdp, sig, key, pass: login.pass }, Date.now())];
  };
};

/** Signed with another key than that of the pass. */
const othersAnswers: Words = ({ room, login }, offer) => {
  const other = createSigner(room, login.id, newKey());
  const answer = { session: session(offer), seq: offer?.seq ?? 0, type: 'answer', sdp: SDP } as const;
  const message = { ...other(room, answer), pass: login.pass };
  return () => ['sdp', buildMessage('sdp', message, Date.now())];
};

const candidates: Words = (_front, offer) => (count) => {
  const all = range(MOST_CANDIDATES).map((n) => ({
    candidate: `candidate:${n} 1 udp ${count} 127.${n}.${count & 255}.1 ${1_024 + (count % 60_000)} typ host`,
    sdpMid: '0',
  }));
  return ['ice', buildMessage('ice', { session: session(offer), candidates: all, done: false }, Date.now())];
};

const restarts: Words = (_front, offer) => (count) => {
  const message = { session: session(offer), seq: (offer?.seq ?? 0) + count, type: 'restart' } as const;
  return ['sdp', buildMessage('sdp', message, Date.now())];
};

const strangeSessions: Words = () => (count) => {
  const id = `0mq5h2k9a-${(count % 1_679_616).toString(36).padStart(4, '0')}`;
  return count % 2
    ? ['bye', buildMessage('bye', { session: id, reason: 'left' }, Date.now())]
    : ['ice', buildMessage('ice', { session: id, candidates: [], done: true }, Date.now())];
};

async function connectAll({ mqttUrl, login }: Front): Promise<MqttClient[]> {
  const { id, password } = login;
  return Promise.all(
    range(CONNECTIONS).map(async (index) => {
      const options = { protocolVersion: 4, keepalive: 10, reconnectPeriod: 0 } as const;
      // The first is the operator; the others have names that no peer can have, and the rights of its token.
      const clientId = index === 0 ? id : `${id}.X${index}`;
      const client = await mqtt.connectAsync(mqttUrl, {
        ...options,
        clientId,
        username: id,
        password: password ?? '',
      });
      client.on('error', () => {});
      return client;
    }),
  );
}

/** Comes into the room as an operator who does not answer, so that the car waits for an answer. */
async function comeSilently(first: MqttClient, { room, login }: Front): Promise<Sdp | null> {
  const offers = topics.sdp(room, room, login.id);
  await first.subscribeAsync(offers, { qos: 1 });
  const offered = new Promise<Sdp>((resolve) => {
    first.on('message', (_topic, payload) => resolve(JSON.parse(payload.toString())));
  });
  const now = Date.now();
  const presence = { state: 'online', role: 'operator', epoch: now, since: now } as const;
  const text = buildMessage('presence', presence, now);
  await first.publishAsync(topics.presence(room, login.id), text, { qos: 1, retain: true });
  return offered;
}

function flood(what: string, words: Words, inTests: boolean): VehicleAttack {
  return {
    name: `over MQTT, 16 connections of one token: ${what}`,
    size: { full: FULL_MS, test: inTests ? TEST_MS : null },
    async flood(front): Promise<Flood> {
      const clients = await connectAll(front);
      const [first] = clients as [MqttClient];
      const { room, login } = front;
      const say = words(front, await comeSilently(first, front));
      return repeat(
        (count) => {
          const [kind, text] = say(count);
          clients[count % CONNECTIONS]?.publish(topics[kind](room, login.id, room), text, { qos: 0 });
        },
        PER_SECOND,
        async () => {
          // What the broker has not read yet is nothing to wait for.
          for (const client of clients) client.end(true);
        },
      );
    },
  };
}

export const MESSAGES: VehicleAttack[] = [
  flood('answers that are signed wrongly', wrongAnswers, true),
  flood('answers that are signed with another key', othersAnswers, false),
  flood('200 candidates in each message', candidates, true),
  flood('restarts asked for', restarts, false),
  flood('words of sessions that there are none of', strangeSessions, false),
];
