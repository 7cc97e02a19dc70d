/**
 * MQTT over WebSocket, on the web server's port, at one path.
 *
 * The only file that imports `websocket-stream` and `ws`. websocket-stream turns a WebSocket into
 * the stream that Aedes reads and writes; it gathers the small writes of a packet into one frame,
 * which carries some three times the negotiations of ws's own createWebSocketStream. Its own ws 3
 * has published vulnerabilities, so package.json overrides it with ws 8. Mended here:
 *  - it ignores back-pressure on reading: the socket is paused while Aedes is behind;
 *  - it takes text frames, which MQTT forbids (MQTT 3.1.1, 6.0.0-1);
 *  - it reports an ErrorEvent where streams report an Error;
 *  - a subprotocol that is not offered is refused before the upgrade, since ws accepts the upgrade
 *    even when `handleProtocols` says no (MQTT 3.1.1, 6.0.0-3 wants `mqtt`).
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import webSocketStream from 'websocket-stream';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../shared/clock.ts';
import type { Broker } from './broker.ts';
import type { Guard } from './limits/guard.ts';
import type { HttpLimits } from './limits/http-limits.ts';
import { createFrameWatch } from './limits/web-socket-frames.ts';
import type { Refuse } from './origins.ts';

export const MQTT_PATH = '/mqtt';
const SUBPROTOCOL = 'mqtt';
/** A WebSocket message may carry more than one packet: so much beside the largest payload, in bytes. */
const MESSAGE_EXTRA_BYTES = 16 * 1024;
/** How long a peer may take to answer a close frame before its socket is destroyed. */
const CLOSE_TIMEOUT_MS = 1_000;
/** Close codes of RFC 6455, 7.4.1. */
const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;
const POLICY_VIOLATION = 1008;
/** Longest reason in a close frame (RFC 6455, 5.5), in bytes. */
const MAX_REASON_BYTES = 123;

/** What websocket-stream makes: a stream of readable-stream 2, which has no readableLength yet. */
interface OldStream extends Duplex {
  _readableState: { length: number; highWaterMark: number };
  _writableState: { length: number; highWaterMark: number };
}

export interface MqttWebSocket {
  /** Tells everyone that the server is going away, and waits until they have closed or timed out. */
  close(): Promise<void>;
}

/** @param isRefused requests whose Origin or Host is not to be served */
export function attachMqttWebSocket(
  server: Server | SecureServer,
  broker: Broker,
  guard: Guard,
  http: HttpLimits,
  isRefused: Refuse,
): MqttWebSocket {
  // closeTimeout is missing in the types.
  const options: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    perMessageDeflate: false,
    // A larger one ends its connection with 1009.
    maxPayload: guard.limits.messageBytes + MESSAGE_EXTRA_BYTES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: () => SUBPROTOCOL,
  };
  const sockets = new WebSocketServer(options);

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Until ws takes over, an error of the socket has no other listener and would end the process.
    const ignore = () => {};
    socket.on('error', ignore);
    if (pathOf(request) !== MQTT_PATH) {
      // Somebody else's, if there is somebody else.
      if (server.listenerCount('upgrade') === 1) refuse(socket, 404, 'Not Found', 'There is nothing here.');
      return;
    }
    const refusal = isRefused(request);
    if (refusal) {
      refuse(socket, refusal.status, refusal.phrase, refusal.text);
      return;
    }
    if (!offeredProtocols(request).includes(SUBPROTOCOL)) {
      const remote = http.addressOf(request);
      guard.sayOnce(`subprotocol ${remote}`, { remote }, 'WebSocket without the mqtt subprotocol refused');
      refuse(socket, 400, 'Bad Request', 'Offer the WebSocket subprotocol mqtt.');
      return;
    }
    const admission = http.admitUpgrade(request);
    if (!admission.ok) {
      refuse(socket, 503, 'Service Unavailable', `The server is full: ${admission.refusal.reason}.`);
      return;
    }
    socket.once('close', admission.release);
    request.socket.setNoDelay(true);
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('error', ignore);
      serve(webSocket, request);
    });
  };
  server.on('upgrade', onUpgrade);

  function serve(webSocket: WebSocket, request: IncomingMessage): void {
    // Before websocket-stream's listener, so that the stream is told the frame's own error, not MQTT's.
    webSocket.on('message', (_data, isBinary) => {
      if (!isBinary) webSocket.close(UNSUPPORTED_DATA, 'MQTT needs binary frames');
    });
    const stream = asStream(webSocket);
    const { socket } = request;
    watchFrames(webSocket, socket, guard.clock, () => {
      const remote = http.addressOf(request);
      guard.sayOnce(`frames ${remote}`, { remote }, 'WebSocket closed: frames that carry nothing');
    });
    const address = http.addressOf(request);
    // Frames that are none: the stream ends, and the broker is told no reason.
    webSocket.on('error', ({ message: reason }) =>
      guard.sayOnce(`frame ${address} ${reason}`, { remote: address, reason }, 'WebSocket closed'),
    );
    broker.accept({
      stream,
      transport: 'websocket',
      remote: `${address}:${socket.remotePort}`,
      address,
      backlog: () => stream._writableState.length,
      watchStall: (ms, onStall) => void socket.setTimeout(ms, onStall),
      ping(onAnswer) {
        webSocket.removeAllListeners('pong').once('pong', onAnswer);
        if (webSocket.readyState === webSocket.OPEN) webSocket.ping();
      },
      farewell: (reason) => webSocket.close(POLICY_VIOLATION, shortened(reason)),
    });
  }

  return {
    close() {
      server.off('upgrade', onUpgrade);
      const closed = [...sockets.clients].map(
        (webSocket) => new Promise((resolve) => webSocket.once('close', resolve)),
      );
      for (const webSocket of sockets.clients) webSocket.close(GOING_AWAY, 'server is shutting down');
      return Promise.all(closed).then(() => {});
    },
  };
}

/** Ends a WebSocket on which much comes that is no message. */
function watchFrames(webSocket: WebSocket, socket: Duplex, clock: Clock, onClosed: () => void): void {
  const isTooMuch = createFrameWatch(clock);
  // Before ws, which would work through all of it first.
  socket.prependListener('data', (chunk: Buffer) => {
    if (webSocket.readyState !== webSocket.OPEN || !isTooMuch(chunk)) return;
    onClosed();
    webSocket.terminate();
  });
}

/** The stream over a WebSocket, with what websocket-stream leaves undone. */
function asStream(webSocket: WebSocket): OldStream {
  // Its types are written for another version of ws.
  const stream = (webSocketStream as unknown as (socket: WebSocket) => OldStream)(webSocket);
  webSocket.on('message', () => {
    const { length, highWaterMark } = stream._readableState;
    if (length >= highWaterMark) webSocket.pause();
  });
  // A stream calls _read when it wants more.
  const read = stream._read.bind(stream);
  stream._read = (size) => {
    if (webSocket.isPaused) webSocket.resume();
    read(size);
  };
  // The close handshake has to be read, though nobody reads the stream any more.
  stream.on('close', () => webSocket.resume());

  const destroy = stream.destroy.bind(stream);
  stream.destroy = (cause?: unknown) => {
    const nested = (cause as { error?: unknown } | undefined)?.error;
    return destroy(nested instanceof Error ? nested : (cause as Error | undefined));
  };
  return stream;
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}

function offeredProtocols(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
}

/** As much of a text as a close frame has room for. */
function shortened(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > MAX_REASON_BYTES) text = text.slice(0, -1);
  return text;
}

/** Answers an upgrade request with an HTTP error. */
function refuse(socket: Duplex, status: number, phrase: string, text: string): void {
  const head = [
    `HTTP/1.1 ${status} ${phrase}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
}
