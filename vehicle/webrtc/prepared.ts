/** A werift connection that is ready for an operator: with its keys and channels, and without a description. */
import * as werift from 'werift';
import { CHANNELS } from '../../shared/channels.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { completeChecks } from './checks.ts';
import { createGathering } from './gathering.ts';
import { hasten } from './handshake.ts';
import { countTraffic } from './traffic.ts';
import { headerExtensions, videoCodecs } from './video-sender.ts';

export interface PeerOptions {
  /** Asked for with every new connection and every restart, as credentials expire. */
  iceServers(): IceServer[];
  /** What is missing from the servers, each a sentence. */
  notes?(): string[];
}

export type Prepared = ReturnType<typeof prepare>;

export function prepare(options: PeerOptions) {
  const connection = new werift.RTCPeerConnection({
    bundlePolicy: 'max-bundle',
    codecs: { video: videoCodecs() },
    headerExtensions: { video: headerExtensions() },
  });
  const track = new werift.MediaStreamTrack({ kind: 'video' });
  const transceiver = connection.addTransceiver(track, { direction: 'sendonly' });
  const channels = {
    control: connection.createDataChannel('control', { ...CHANNELS.control, negotiated: true }),
    events: connection.createDataChannel('events', { ...CHANNELS.events, negotiated: true }),
  };
  // Makes the keys, which takes a fifth of a second the first time. The offer itself is thrown away:
  // there is no local description until somebody is there.
  const ready = connection.createOffer().then(() => connection.dtlsTransports.forEach(hasten));
  ready.catch(() => {});
  return { connection, transceiver, channels, ready, path: preparePath(connection, options) };
}

/** Its addresses and the checks between them; `onChange` is told what changes once somebody wants to know. */
function preparePath(connection: werift.RTCPeerConnection, { iceServers }: PeerOptions) {
  const transport = connection.dtlsTransports[0] as werift.RTCDtlsTransport;
  const ice = transport.iceTransport.connection as werift.Connection;
  const path = {
    ice,
    traffic: countTraffic(ice),
    onChange: () => {},
    gathering: createGathering(ice, {
      iceServers,
      onChange: () => path.onChange(),
      onProtocol: () => checks.kick(),
    }),
    close() {
      path.gathering.close();
      checks.close();
    },
  };
  const checks = completeChecks(transport, () => path.onChange());
  return path;
}
