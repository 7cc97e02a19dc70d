/** PeerJS with its own server, one way of video and a data channel, in as few steps as its API allows. */
import { Peer } from 'peerjs';

const PORT = 9000;
const CAR = 'car';

const connectTo = (server, id) => {
  const options = { host: server, port: PORT, config: { iceServers: [] } };
  const peer = id ? new Peer(id, options) : new Peer(options);
  const opened = new Promise((resolve) => peer.once('open', resolve));
  return { peer, opened };
};

export async function car(server, stream) {
  const { peer, opened } = connectTo(server, CAR);
  // Video on its way at once: the other end has no stream of its own to call with.
  peer.on('connection', (connection) => peer.call(connection.peer, stream));
  await opened;
}

export function operator(server, show) {
  let made = null;
  const open = () => {
    made ??= connectTo(server);
    made.peer.on('call', (call) => {
      call.on('stream', show);
      call.answer();
    });
    return made.opened;
  };
  return {
    open,
    async go() {
      if (!made) void open();
      await made.opened;
      made.peer.connect(CAR);
    },
  };
}
