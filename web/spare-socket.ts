/**
 * A connection to the broker that is opened before anybody needs it, which saves its two round trips
 * then. There is at most one.
 */

/** Brokers close a connection on which nothing is said, this project's after 5 s; ms. */
const UNUSED_MS = 4_000;
/** WebSocket subprotocol (MQTT 3.1.1, 6.0.0-3). */
const MQTT = 'mqtt';

let spare: { url: string; socket: WebSocket; giveUp: ReturnType<typeof setTimeout> } | null = null;
/** When the last one was opened ahead, on the clock of `performance.now()`, ms. */
let openedAt = Number.NEGATIVE_INFINITY;

/** Has one ready for the next few seconds, unless there was one just now. */
export function expectSocket(url: string): void {
  if (performance.now() - openedAt < UNUSED_MS) return;
  openedAt = performance.now();
  keepSocket(url);
}

function keepSocket(url: string): void {
  const { href } = new URL(url);
  if (spare?.url === href && spare.socket.readyState <= WebSocket.OPEN) return;
  drop();
  spare = { url: href, socket: new WebSocket(href, MQTT), giveUp: setTimeout(drop, UNUSED_MS) };
}

/** The one that is ready, or a new one. */
export function takeSocket(url: string): WebSocket {
  keepSocket(url);
  const { socket, giveUp } = spare as NonNullable<typeof spare>;
  clearTimeout(giveUp);
  spare = null;
  return socket;
}

function drop(): void {
  if (!spare) return;
  clearTimeout(spare.giveUp);
  spare.socket.close();
  spare = null;
}
