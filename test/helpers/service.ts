/** A local HTTP server in place of a service, which answers what a test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Asked {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingMessage['headers'];
  body: string;
}

/** What to answer: status and body (text as it is, anything else as JSON); null for never. */
export type Reply = { status?: number; body: unknown; headers?: Record<string, string> } | null;

/** @param reply may be changed by the test at any time, as `service.reply` */
export async function startService(reply: (asked: Asked) => Reply | Promise<Reply>) {
  const asked: Asked[] = [];
  let heard = Promise.withResolvers<Asked>();
  const service = { reply, asked, url: '', next: () => heard.promise };
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const { method = '', url = '', headers } = request;
    const { pathname: path, searchParams } = new URL(url, 'http://service');
    const one = { method, path, query: Object.fromEntries(searchParams), headers, body };
    asked.push(one);
    const waiting = heard;
    heard = Promise.withResolvers();
    waiting.resolve(one);
    const given = await service.reply(one);
    if (!given) return;
    response.writeHead(given.status ?? 200, { 'Content-Type': 'application/json', ...given.headers });
    response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  service.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return service;
}
