/** Listening, and saying in words why that does not work. */
import type { AddressInfo, Server, Socket } from 'node:net';
import { inUrl } from './addresses.ts';

/** @throws Error of one sentence that names the port and the options that change it */
export function listen(
  server: Server,
  port: number,
  host: string,
  option: string,
  hostOption = '--host',
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      const where = `port ${port} on ${host}`;
      if (error.code === 'EADDRINUSE') {
        reject(new Error(`${capital(where)} is already in use; choose another one with ${option}.`));
      } else if (error.code === 'EACCES') {
        reject(new Error(`No permission to listen on ${where}; choose another one with ${option}.`));
      } else {
        reject(new Error(`Can't listen on ${where}: ${error.message}; check ${hostOption} and ${option}.`));
      }
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

/**
 * Closes at once what was opened to another address of this machine. One listener for all of them and a
 * look at each connection, since addresses come and go.
 */
export function onlyAt(server: Server, answersAt: (address: string) => boolean): void {
  // Before TLS or HTTP have seen it.
  server.prependListener('connection', (socket: Socket) => {
    if (!answersAt((socket.localAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, ''))) socket.destroy();
  });
}

/** Host and port to reach a listening server at from this machine. */
export function addressOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `${inUrl(host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host)}:${port}`;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
