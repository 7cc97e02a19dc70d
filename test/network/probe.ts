/**
 * What the tests of the lab run in its hosts: a line of JSON per answer.
 *
 *     node probe.ts echo <udp port>                      answers every datagram with the address it came from
 *     node probe.ts ask <address:port> ...               one socket asks them all: [{seen, ms} or null]
 *     node probe.ts flood <address:port> <packets> <kbps> sends 1200 byte packets (with IP and UDP header)
 *     node probe.ts tcp <address> <port>                 "open" or why not
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';

/** After which an answer doesn't come any more. */
const PATIENCE_MS = 1500;
const PAYLOAD = 1200 - 28;

const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const parse = (target: string): [string, number] => {
  const [address = '', port = ''] = target.split(':');
  return [address, Number(port)];
};

async function echo(port: number) {
  const socket = createSocket('udp4');
  socket.on('message', (message, { address, port: from }) => {
    // Big ones are ballast, only counted by what carries them.
    if (message.length < 100) socket.send(`${message} ${address}:${from}`, from, address);
  });
  socket.bind(port);
  await once(socket, 'listening');
  await once(createServer((connection) => connection.end()).listen(443), 'listening');
  say('ready');
}

async function ask(targets: string[]) {
  const socket = createSocket('udp4');
  socket.bind();
  await once(socket, 'listening');
  const answers = targets.map((target, index) => {
    const startedAt = performance.now();
    const answer = new Promise((resolve) => {
      socket.on('message', (message) => {
        const [id, seen] = message.toString().split(' ');
        if (Number(id) === index) resolve({ seen, ms: performance.now() - startedAt });
      });
      setTimeout(resolve, PATIENCE_MS, null);
    });
    const [address, port] = parse(target);
    socket.send(String(index), port, address);
    return answer;
  });
  say(await Promise.all(answers));
  process.exit();
}

async function flood(target: string, packets: number, kbps: number) {
  const socket = createSocket('udp4');
  const [address, port] = parse(target);
  const startedAt = performance.now();
  const payload = Buffer.alloc(PAYLOAD);
  for (let sent = 0; sent < packets; ) {
    const due = Math.min(packets, ((performance.now() - startedAt) * kbps) / (1200 * 8));
    for (; sent < due; sent++) socket.send(payload, port, address);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise<void>((resolve) => socket.close(resolve));
  say({ ms: performance.now() - startedAt });
}

function tcp(address: string, port: number) {
  const socket = createConnection({ host: address, port, timeout: PATIENCE_MS });
  const end = (what: string) => {
    say(what);
    process.exit();
  };
  socket.on('connect', () => end('open'));
  socket.on('timeout', () => end('timeout'));
  socket.on('error', (error) => end(error.message));
}

const [command, first = '', second = '', third = ''] = process.argv.slice(2);
if (command === 'echo') await echo(Number(first));
if (command === 'ask') await ask(process.argv.slice(3));
if (command === 'flood') await flood(first, Number(second), Number(third));
if (command === 'tcp') tcp(first, Number(second));
