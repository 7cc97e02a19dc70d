/** Trystero over this project's broker. */
import { getRelaySockets, joinRoom } from '@trystero-p2p/mqtt';

const PORT = 8080;

const relayOf = (server) => `ws://${server}:${PORT}/mqtt`;
const join = (server, room) =>
  joinRoom({ appId: 'bench', relayConfig: { urls: [relayOf(server)] }, rtcConfig: { iceServers: [] } }, room);

export async function car(server, stream) {
  const room = join(server, 'car');
  room.onPeerJoin = (peer) => room.addStream(stream, { target: peer });
}

export function operator(server, show) {
  return {
    /** It keeps one connection for all its rooms. */
    async open() {
      join(server, 'elsewhere');
      while (getRelaySockets()[relayOf(server)]?.readyState !== WebSocket.OPEN) {
        await new Promise(requestAnimationFrame);
      }
    },
    go() {
      const room = join(server, 'car');
      room.onPeerStream = show;
    },
  };
}
