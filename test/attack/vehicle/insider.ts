/**
 * An operator whom server, fleet and car let in, and who then keeps to no rule: everything below the data channels
 * is in its hands. What it says on purpose is in cases/.
 */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import * as werift from 'werift';
import { CHANNELS, type ChannelName } from '../../../shared/channels.ts';
import { systemClock } from '../../../shared/clock.ts';
import { fixedCredentials } from '../../../shared/credentials.ts';
import { createOperatorEnd, type OperatorEnd } from '../../../shared/operator-end.ts';
import { keyStore } from '../../helpers/keys.ts';
import { weriftOperator } from '../../helpers/werift-peer.ts';
import type { Done, Flood, Front } from './attack.ts';
import { dataChunk } from './words.ts';

export interface Insider {
  id: string;
  end: OperatorEnd;
  /**
   * Texts on a data channel, whatever they are, in one packet; each counts whether or not those before it have come,
   * and none is sent again.
   */
  say(channel: ChannelName, ...texts: string[]): void;
  /** One RTCP packet or several, in the clear; encrypted here. */
  rtcp(packet: Buffer): void;
  /** What the car's video goes by here. */
  videoSsrc(): number;
  /** One SCTP packet's chunks, with the right tag and checksum. */
  chunks(...chunks: Buffer[]): void;
  /** The next TSN that the car has not seen, if nothing else is said any more. */
  nextTsn(): number;
  /** Never tells the car again that anything has arrived. */
  goDeaf(): void;
  leave(): Promise<void>;
}

/** What is used here of werift's inside. */
interface Sctp {
  remoteVerificationTag: number;
  localTsn: number;
  sendSack(): Promise<void>;
}

const PATIENCE_MS = 20_000;
const SCTP_PORT = 5_000;

/** @param arrival preparing: a session is made for it, and it never enters */
export async function comeIn(
  { mqttUrl: url, room, carKey, login }: Front,
  arrival: 'entered' | 'preparing',
): Promise<Insider> {
  const { id } = login;
  let connection: werift.RTCPeerConnection | undefined;
  const end = createOperatorEnd({
    url,
    room,
    self: id,
    createPeer: weriftOperator({ packets: 0, nalTypes: new Set() }, (made) => {
      connection = made;
    }),
    arrival,
    credentials: fixedCredentials(id, login.password ?? ''),
    keys: keyStore(carKey),
    identity: { secretKey: login.secretKey, pass: () => login.pass },
    onView() {},
    onState() {},
    clock: systemClock,
  });
  for (const until = performance.now() + PATIENCE_MS; end.view.link.phase !== 'connected'; await sleep(10)) {
    if (performance.now() < until) continue;
    await end.close();
    throw new Error(`the car lets ${id} not in: ${JSON.stringify(end.view.link)}`);
  }
  if (!connection) throw new Error('connected without a connection');
  return { id, end, ...handsOf(connection), leave: () => end.close() };
}

function handsOf(connection: werift.RTCPeerConnection): Omit<Insider, 'id' | 'end' | 'leave'> {
  const [transport] = connection.dtlsTransports;
  if (!transport || !connection.sctpTransport) throw new Error('connected without a transport');
  const { sctpTransport } = connection;
  const sctp = sctpTransport.sctp as unknown as Sctp;
  const packet = (chunks: Buffer[]) =>
    void transport.sendData(sctpPacket(sctp.remoteVerificationTag, chunks)).catch(() => {});
  // One who has not entered is sent no video, but told what it will go by.
  let ssrc = Number(/^a=ssrc:(\d+)/m.exec(connection.remoteDescription?.sdp ?? '')?.[1] ?? 0);
  transport.onRtp.subscribe(({ header }) => {
    ssrc = header.ssrc;
  });
  return {
    say(name, ...texts) {
      const chunks = texts.map((text, index) => dataChunk(sctp.localTsn + index, CHANNELS[name].id, text));
      // Its own stack counts on from there.
      sctp.localTsn = (sctp.localTsn + chunks.length) >>> 0;
      packet(chunks);
    },
    rtcp(packet) {
      if (!transport.srtpStarted) return;
      void transport.iceTransport.connection.send(transport.srtcp.encrypt(packet)).catch(() => {});
    },
    videoSsrc: () => ssrc,
    chunks: (...chunks) => packet(chunks),
    nextTsn: () => sctp.localTsn,
    goDeaf() {
      sctp.sendSack = async () => {};
    },
  };
}

/** RFC 9260, section 3. */
function sctpPacket(tag: number, chunks: Buffer[]): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(SCTP_PORT, 0);
  head.writeUInt16BE(SCTP_PORT, 2);
  head.writeUInt32BE(tag, 4);
  const packet = Buffer.concat([head, ...chunks]);
  packet.writeUInt32LE(werift.crc32c(packet), 8);
  return packet;
}

/** Says something again and again: so many times a second, or as fast as it goes, until it is told to stop. */
export function repeat(
  say: (count: number) => void,
  perSecond: number | 'line',
  leave: () => Promise<void>,
): Flood {
  let count = 0;
  let over = false;
  const going = (async () => {
    const from = performance.now();
    while (!over) {
      const due = perSecond === 'line' ? count + 50 : ((performance.now() - from) / 1_000) * perSecond;
      for (; count < due && !over; count += 1) say(count);
      await (perSecond === 'line' ? turn() : sleep(5));
    }
  })();
  return {
    async stop(): Promise<Done> {
      over = true;
      await going;
      await leave();
      return { attempts: count, gotIn: 0 };
    },
  };
}
