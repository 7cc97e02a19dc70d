/**
 * What an MQTT client says with its CONNECT: clients need not wait for the CONNACK (MQTT 3.1.1, 3.1.4),
 * which saves a round trip of each connection. MQTT.js has no call for it and would keep packets back,
 * so they are written past its queue; their acknowledgements it ignores.
 */
import type { MqttClient, Packet } from 'mqtt';

export interface Word {
  topic: string;
  payload: string;
  retain: boolean;
}

/** What is used here of MQTT.js's inside. */
interface Inside {
  _writePacket(packet: Packet): void;
}

/**
 * To be called right after `connect()`. Subscribes first, and then publishes, all with QoS 1.
 * @returns resolves when the broker has confirmed the subscriptions; rejects when it has refused one
 */
export function sayWithConnect(client: MqttClient, filters: string[], words: Word[]): Promise<void> {
  const inside = client as unknown as Inside;
  const nextId = () => client.messageIdProvider.allocate() ?? 0;
  const asked = nextId();
  const subscribed = new Promise<void>((resolve, reject) => {
    client.on('packetreceive', (packet) => {
      if (packet.cmd !== 'suback' || packet.messageId !== asked) return;
      const refused = filters.find((_filter, at) => Number(packet.granted[at]) >= 128);
      if (refused === undefined) resolve();
      else reject(new Error(`the broker refused the subscription of ${refused}`));
    });
  });
  inside._writePacket({
    cmd: 'subscribe',
    messageId: asked,
    subscriptions: filters.map((topic) => ({ topic, qos: 1 })),
  });
  for (const { topic, payload, retain } of words) {
    inside._writePacket({ cmd: 'publish', messageId: nextId(), topic, payload, qos: 1, retain, dup: false });
  }
  return subscribed;
}
