/** Run inside a network namespace: knocks at every door of a server, without a token and with an invitation. */
import { connect as connectTcp } from 'node:net';
import mqtt from 'mqtt';

/** Against hanging only, ms. */
const PATIENCE_MS = 10_000;

const { base, mqttsUrl, closed, token } = JSON.parse(process.argv[2] ?? '') as {
  base: string;
  mqttsUrl: string;
  /** `address:port` where nobody is to answer. */
  closed: string[];
  token: string;
};

/** Null when it is let in, otherwise the error's code or message. */
async function knock(url: string): Promise<unknown> {
  const client = mqtt.connect(url, { protocolVersion: 4, reconnectPeriod: 0, connectTimeout: PATIENCE_MS });
  const outcome = await new Promise((resolve) => {
    client.on('connect', () => resolve(null));
    client.on('error', (error) => resolve((error as { code?: unknown }).code ?? error.message));
    client.on('close', () => resolve('closed'));
  });
  client.end(true);
  return outcome;
}

/** Whether anything that is asked there in the clear gets an answer. */
async function answers(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = connectTcp(Number(port), hostname);
  let heard = false;
  socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  socket.on('data', (data) => {
    // A TLS alert is no answer.
    heard ||= data[0] !== 0x15;
    socket.destroy();
  });
  socket.on('error', () => {});
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  await new Promise((resolve) => socket.once('close', resolve));
  return heard;
}

const status = async (path: string, init: RequestInit = {}) => (await fetch(base + path, init)).status;
const session = await fetch(`${base}/api/session`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', Origin: base },
  body: JSON.stringify({ invitation: token }),
});

process.stdout.write(
  JSON.stringify({
    paths: Object.fromEntries(
      await Promise.all(
        ['/healthz', '/api/ice', '/metrics'].map(async (path) => [path, await status(path)] as const),
      ),
    ),
    fleet: await (await fetch(`${base}/api/fleet`)).json(),
    mqtts: await knock(mqttsUrl),
    wss: await knock(`${base.replace('https', 'wss')}/mqtt`),
    open: (
      await Promise.all(closed.map(async (address) => ((await answers(address)) ? [address] : [])))
    ).flat(),
    session: session.status,
    cookie: session.headers.get('set-cookie'),
  }),
);
