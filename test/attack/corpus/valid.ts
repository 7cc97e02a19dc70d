/** Right packets of every type (MQTT 3.1.1, 2.2.1), the server's own too: what the corpus is bred from. */
import {
  connectPacket,
  packet,
  publishPacket,
  subscribePacket,
  TYPE,
  uint16,
  unsubscribePacket,
} from '../wire/packets.ts';

const will = { topic: 'rooms/car2/peers/op-x', payload: '{"v":1}', qos: 1, retain: true };

/** Connections and everything else. None of it has a token in it, and what it says is meant for car1. */
export const CONNECTS: Buffer[] = [
  connectPacket({ clientId: 'car1' }),
  connectPacket({ clientId: '' }),
  connectPacket({ clientId: 'car1', username: 'car1', password: 'let me in', keepalive: 60 }),
  connectPacket({ clientId: 'car1', will, clean: false }),
  connectPacket({ clientId: 'car1', will, username: 'car1', password: 'x'.repeat(200) }),
  connectPacket({ clientId: 'car1', level: 5 }),
  connectPacket({ clientId: 'car1', level: 3 }),
];

export const OTHERS: Buffer[] = [
  publishPacket('rooms/car1/estop', '{"v":1,"ts":1,"from":"op-x"}'),
  publishPacket('rooms/car1/telemetry', 'forged', { qos: 1, retain: true }),
  publishPacket('rooms/car1/sdp/car1/op-x', 'forged', { qos: 2, id: 7 }),
  publishPacket('rooms/car1/lease', '', { retain: true }),
  packet(TYPE.puback, uint16(1)),
  packet(TYPE.pubrec, uint16(2)),
  packet(TYPE.pubrel, uint16(7)),
  packet(TYPE.pubcomp, uint16(3)),
  subscribePacket(['rooms/#']),
  subscribePacket(['rooms/car1/+', 'rooms/car1/peers/+', '#'], { qos: 1, id: 9 }),
  unsubscribePacket(['rooms/#', 'rooms/car1/+']),
  packet(TYPE.pingreq),
  packet(TYPE.disconnect),
  packet(TYPE.connack, Buffer.from([0, 0])),
  packet(TYPE.suback, uint16(1), Buffer.from([0, 1])),
  packet(TYPE.unsuback, uint16(1)),
  packet(TYPE.pingresp),
];
