/** A werift connection that is ready for an operator: with its keys and channels, and without a description. */
import * as werift from 'werift';
import { CHANNELS } from '../../shared/channels.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { oneUrlEach } from './gathering.ts';

export interface PeerOptions {
  /** Asked for with every new connection and every restart, as credentials expire. */
  iceServers(): IceServer[];
}

const video = [
  werift.useH264(),
  new werift.RTCRtpCodecParameters({ mimeType: 'video/rtx', clockRate: 90_000 }),
];

export type Prepared = ReturnType<typeof prepare>;

export function prepare(options: PeerOptions) {
  const connection = new werift.RTCPeerConnection({
    iceServers: options.iceServers().flatMap(oneUrlEach),
    bundlePolicy: 'max-bundle',
    codecs: { video },
    headerExtensions: { video: [werift.useSdesMid(), werift.useAbsSendTime()] },
  });
  const track = new werift.MediaStreamTrack({ kind: 'video' });
  const { sender } = connection.addTransceiver(track, { direction: 'sendonly' });
  const channels = {
    control: connection.createDataChannel('control', { ...CHANNELS.control, negotiated: true }),
    events: connection.createDataChannel('events', { ...CHANNELS.events, negotiated: true }),
  };
  // Makes the keys, which takes a fifth of a second the first time. The offer itself is thrown away:
  // there is no local description until somebody is there.
  connection.createOffer().catch(() => {});
  for (const transport of connection.dtlsTransports) keepEarlyPackets(transport);
  return { connection, sender, track, channels };
}

/**
 * The other end may see the path first and begin its DTLS handshake before werift listens for it;
 * what came too early is handed over then. Otherwise it comes again after a timeout, 100 ms later.
 */
function keepEarlyPackets(transport: werift.RTCDtlsTransport): void {
  const { onData } = transport.iceTransport.connection;
  // The last of them: those before were the same.
  let early: Buffer | null = null;
  const { unSubscribe } = onData.subscribe((packet) => {
    if (transport.state === 'new') early = packet;
  });
  transport.onStateChange.subscribe((state) => {
    if (state !== 'connecting') return;
    unSubscribe();
    // The state is set just before werift listens.
    setImmediate(() => {
      if (early) onData.execute(early);
    });
  });
}
