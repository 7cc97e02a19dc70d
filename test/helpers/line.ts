/** A TCP line to a server that can go dead without a word, as after a change of address. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** @param url of a server at this machine; the same with the line's port is returned */
export async function deadLine(url: string) {
  const target = new URL(url);
  const lines = new Set<{ near: Socket; far: Socket; dead: boolean }>();
  let opened = 0;
  let carried = 0;
  const server = createServer((near) => {
    opened++;
    const line = { near, far: connect(Number(target.port), target.hostname), dead: false };
    lines.add(line);
    for (const [from, to] of [
      [near, line.far],
      [line.far, near],
    ] as const) {
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('data', (data) => void (line.dead || to.write(data)));
      from.on('close', () => void (line.dead || to.destroy()));
    }
    line.far.on('data', ({ byteLength }) => {
      carried += byteLength;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const { near, far } of lines) for (const socket of [near, far]) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    /** Connections that were made through it so far. */
    opened: () => opened,
    /** Bytes that the server has sent so far. */
    carried: () => carried,
    /** Those that there are carry nothing any more, either way, and neither end is told. New ones work. */
    die(): void {
      for (const line of lines) line.dead = true;
    },
  };
}
