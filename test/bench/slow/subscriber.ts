/** A subscriber to everything over WebSocket, for `bench:slow` to freeze. */
import mqtt from 'mqtt';

const [url = '', clientId = '', qos = '0'] = process.argv.slice(2);
const client = await mqtt.connectAsync(url, {
  protocolVersion: 4,
  keepalive: 60,
  clientId,
  reconnectPeriod: 0,
});
await client.subscribeAsync('rooms/#', { qos: Number(qos) as 0 | 1 });
process.stdout.write('Subscribed\n');
