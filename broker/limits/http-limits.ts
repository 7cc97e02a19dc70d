/**
 * The web server's own limits: connections are counted when they come, requests have to be there in time, and
 * headers have a size. Slow readers of answers are let go by the same clock.
 */
import type { IncomingMessage, RequestListener, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Admission } from './connections.ts';
import type { Guard } from './guard.ts';
import type { LimitName, Limits, Refusal } from './limits.ts';
import { createRequestRates } from './request-rates.ts';

/** Of one request. Browsers send some twenty. */
const MAX_HEADERS = 100;
/** How often Node looks for requests that take too long, ms; its own 30 s would be the time that they have. */
const CHECK_INTERVAL_MS = 1_000;
/** After an answer, until the next request, ms: Node's own. */
const KEEP_ALIVE_MS = 5_000;
/** Without a byte in either direction a connection is closed after so many times `httpSeconds`. */
const IDLE_FACTOR = 3;
/** Connections over the limit that are answered at the same time; more are closed without a word. */
const MAX_REFUSALS = 64;
/** How long one that is refused has to ask for something and hear that it is, ms. */
const REFUSAL_MS = 2_000;
const RETRY_AFTER_S = 10;
/** How long a request over the rate waits for its answer, ms. */
const TOO_MANY_MS = 1_000;

/** What goes wrong in Node's HTTP parser, the limit that was hit, and the answer. */
const PROBLEMS: Record<string, [limit: LimitName | null, status: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['httpSeconds', '408 Request Timeout'],
  HPE_HEADER_OVERFLOW: ['headerBytes', '431 Request Header Fields Too Large'],
  ERR_TLS_HANDSHAKE_TIMEOUT: ['connectSeconds', 'no TLS handshake in time'],
};

/** Options for node:http's and node:https' createServer. */
export function httpServerOptions(limits: Limits): ServerOptions {
  const ms = limits.httpSeconds * 1000;
  return {
    headersTimeout: ms,
    requestTimeout: ms,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: limits.headerBytes,
  };
}

export interface HttpLimits {
  /** Answers requests of connections over the limit with 503, and leaves the others to `serve`. */
  handler(serve: RequestListener): RequestListener;
  /** Whether a request to upgrade is taken; release is to be called when its connection has ended. */
  admitUpgrade(request: IncomingMessage): Admission;
  /** Whose request it is: the client's address, also behind a proxy that is trusted. */
  addressOf(request: IncomingMessage): string | undefined;
}

/**
 * Holds the limits on a web server. To be called before it listens.
 * @param server made with {@link httpServerOptions}
 * @param forwarded behind a proxy that is trusted: the client's address by the proxy's headers
 */
export function limitHttp(
  server: Server,
  guard: Guard,
  forwarded?: (request: IncomingMessage) => string | undefined,
): HttpLimits {
  const refused = new WeakMap<Socket, Refusal>();
  const answering = new WeakSet<Socket>();
  const isOver = createRequestRates(guard.limits.requests, guard.clock);
  let refusing = 0;
  server.maxHeadersCount = MAX_HEADERS;
  server.setTimeout(guard.limits.httpSeconds * 1000 * IDLE_FACTOR);

  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress;
    const admission = guard.connections.admit(forwarded ? null : address);
    if (admission.ok) {
      socket.once('close', admission.release);
      return;
    }
    guard.over(admission.refusal, address ?? 'unknown', { remote: address }, 'connection refused');
    if (refusing >= MAX_REFUSALS || 'setSecureContext' in server) {
      socket.destroy();
      return;
    }
    refusing += 1;
    refused.set(socket, admission.refusal);
    const timer = setTimeout(() => socket.destroy(), REFUSAL_MS);
    socket.once('close', () => {
      refusing -= 1;
      clearTimeout(timer);
    });
  });

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const [limit, status] = PROBLEMS[error.code ?? ''] ?? [null, '400 Bad Request'];
    const address = socket.remoteAddress;
    if (limit)
      guard.over(
        { limit, reason: status },
        address ?? 'unknown',
        { remote: address },
        'HTTP request refused',
      );
    // Without TLS there is no way to answer, nor to whom.
    const isHttp = /^(HPE|ERR_HTTP)_/.test(error.code ?? '');
    if (!isHttp || !socket.writable || socket.bytesWritten > 0) socket.destroy();
    else
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
        socket.destroy(),
      );
  });

  function tooSlow(request: IncomingMessage): void {
    const remote = addressOf(request);
    const reason = `an answer was not taken within ${guard.limits.responseSeconds} s`;
    guard.over(
      { limit: 'responseSeconds', reason },
      remote ?? 'unknown',
      { remote },
      'HTTP connection closed',
    );
    request.socket.destroy();
  }

  const addressOf = (request: IncomingMessage) => forwarded?.(request) ?? request.socket.remoteAddress;
  return {
    handler: (serve) => (request, response) => {
      const { socket } = request;
      if (socket.destroyed) return;
      const refusal = refused.get(socket);
      if (refusal) {
        response.setHeader('Connection', 'close');
        return answerRefused(response, 503, `The server is full: ${refusal.reason}.`);
      }
      // Node reads and serves requests that were sent ahead of an answer (RFC 9112, 9.3.2) all at once, and
      // what it has opened for those is never closed when their connection goes. No browser sends any.
      if (answering.has(socket)) {
        const remote = addressOf(request);
        guard.sayOnce(`pipelined ${remote}`, { remote }, 'HTTP requests ahead of an answer refused');
        socket.destroy();
        return;
      }
      answering.add(socket);
      const remote = addressOf(request);
      const late = setTimeout(() => tooSlow(request), guard.limits.responseSeconds * 1000);
      const done = () => {
        answering.delete(socket);
        clearTimeout(late);
      };
      response.once('finish', done).once('close', done);
      if (!isOver(remote)) return serve(request, response);
      const reason = `more than ${guard.limits.requests} HTTP requests a second`;
      guard.over({ limit: 'requests', reason }, remote ?? 'unknown', { remote }, 'HTTP request refused');
      // Whoever waits for it asks for nothing else meanwhile.
      setTimeout(
        () => answerRefused(response, 429, `Too many requests: ${reason} from your address.`),
        TOO_MANY_MS,
      );
    },
    admitUpgrade(request) {
      const refusal = refused.get(request.socket);
      if (refusal) return { ok: false, refusal };
      if (!forwarded) return { ok: true, release() {} };
      const address = addressOf(request);
      const admission = guard.connections.admitAddress(address);
      if (!admission.ok)
        guard.over(admission.refusal, address ?? 'unknown', { remote: address }, 'connection refused');
      return admission;
    },
    addressOf,
  };
}

function answerRefused(response: ServerResponse, status: number, sentence: string): void {
  const text = `${sentence}\n`;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Retry-After': String(RETRY_AFTER_S),
  });
  response.end(text);
}
