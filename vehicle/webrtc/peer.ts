/**
 * The vehicle's WebRTC stack: werift, as a `Peer`. Only this folder imports it.
 *
 * What is known of werift and answered here: `setLocalDescription` resolves when gathering has ended,
 * which takes seconds where a STUN server is silent, so the SDP is used before; a channel that werift
 * announces is announced as ordered even when it is not, so both are negotiated by id.
 */
import type { ChannelName } from '../../shared/channels.ts';
import type { Peer, PeerHandlers } from '../../shared/peer.ts';
import { pathStats, withLoss } from './path-stats.ts';
import { createReporter } from './peer-report.ts';
import { type PeerOptions, type Prepared, prepare } from './prepared.ts';
import { keepPath } from './roaming.ts';
import { mendSctp } from './sctp.ts';
import { createVideoSender, type VideoSender } from './video-sender.ts';

/** Of the other end, in one exchange of descriptions. A browser with several networks and relays has some twenty. */
const MOST_CANDIDATES = 64;
/** More than so much of `control` waiting, in bytes, would come late: it is not sent at all. */
const MAX_WAITING = 1_000;

/** What a vehicle's peer can do beside a session's needs: send video. */
export interface VideoPeer extends Peer {
  /** What sends it; null until media can be sent. */
  video(): VideoSender | null;
}

export interface VideoPeerHandlers extends PeerHandlers {
  /** Media can be sent from now on; two round trips before the channels are open. */
  mediaReady(): void;
  /** The receiver asks for a key frame (PLI, RFC 4585), or can do nothing without one. */
  keyFrameWanted(): void;
  /** The sender allows another rate now, or holds, or holds no more. */
  videoChanged?(): void;
}

/**
 * Makes peers. One is always prepared ahead, with its certificate and channels but without a
 * description, so that an operator who arrives does not wait for that.
 */
export function createPeerFactory(options: PeerOptions) {
  let spare: Prepared | null = prepare(options);
  let closed = false;

  return {
    create(handlers: VideoPeerHandlers): VideoPeer {
      const prepared = spare ?? prepare(options);
      spare = null;
      // The next one when this one is through: until then it would be in the way.
      const replace = () => {
        if (!closed) spare ??= prepare(options);
      };
      const open = () => {
        handlers.open();
        replace();
      };
      const peer = attach(prepared, { ...handlers, open }, options);
      return {
        ...peer,
        close() {
          peer.close();
          replace();
        },
      };
    },
    close(): void {
      closed = true;
      spare?.path.close();
      void spare?.connection.close();
      spare = null;
    },
  };
}

function attach(
  { connection, transceiver, channels, path, ready }: Prepared,
  handlers: VideoPeerHandlers,
  options: PeerOptions,
): VideoPeer {
  let closed = false;
  let video: VideoSender | null = null;
  const { sender } = transceiver;
  let answered = Promise.resolve();
  const tried = new Set<string>();
  const names = Object.keys(channels) as ChannelName[];
  const roaming = keepPath(path.ice, () => path.onChange());
  if (connection.sctpTransport) mendSctp(connection.sctpTransport);
  const reporter = createReporter(
    connection,
    Object.values(channels),
    path.gathering,
    () => options.notes?.() ?? [],
    (report) => handlers.report?.(report),
  );
  path.onChange = reporter.changed;

  connection.onIceCandidate.subscribe((candidate) => {
    if (closed) return;
    handlers.candidate(
      candidate?.candidate
        ? {
            candidate: candidate.candidate,
            sdpMid: candidate.sdpMid ?? null,
            sdpMLineIndex: candidate.sdpMLineIndex ?? null,
          }
        : null,
    );
  });
  connection.connectionStateChange.subscribe((state) => {
    if (closed) return;
    if (state === 'failed') handlers.failed('no network path works');
  });
  for (const transport of connection.dtlsTransports) {
    transport.onStateChange.subscribe((state) => {
      if (closed || state !== 'connected') return;
      video ??= createVideoSender(transceiver, {
        keyFrameWanted: handlers.keyFrameWanted,
        changed: () => handlers.videoChanged?.(),
      });
      handlers.mediaReady();
    });
  }
  sender.onPictureLossIndication.subscribe(() => handlers.keyFrameWanted());
  for (const name of names) {
    const channel = channels[name];
    channel.onMessage.subscribe((data) => {
      if (!closed && typeof data === 'string') handlers.message(name, data);
    });
    channel.stateChanged.subscribe((state) => {
      if (closed) return;
      if (state === 'closed') handlers.closed?.();
      if (state === 'open' && names.every((each) => channels[each].readyState === 'open')) handlers.open();
    });
  }

  return {
    async createOffer() {
      await ready;
      const offer = await connection.createOffer();
      connection.setLocalDescription(offer).catch((error) => {
        if (!closed) handlers.failed(`the local description was refused: ${error}`);
      });
      return offer.sdp;
    },
    acceptOffer: () => Promise.reject(new Error('the vehicle is always the offerer')),
    acceptAnswer(sdp) {
      tried.clear();
      answered = connection.setRemoteDescription({ type: 'answer', sdp });
      return answered;
    },
    async addCandidate(candidate) {
      const init = candidate && {
        candidate: candidate.candidate,
        ...(candidate.sdpMid == null ? {} : { sdpMid: candidate.sdpMid }),
        ...(candidate.sdpMLineIndex == null ? {} : { sdpMLineIndex: candidate.sdpMLineIndex }),
      };
      // A browser's mDNS candidate that comes in the middle of it would hold the whole connection up
      // until its name was looked up in vain: 13 s, in one session of twenty.
      await answered.catch(() => {});
      // Each is tried with each of our own, and they are not signed: whoever has the broker could send any number.
      const text = JSON.stringify(init);
      if (tried.has(text) || tried.size >= MOST_CANDIDATES) return;
      tried.add(text);
      // A candidate that can't be used costs nothing but itself.
      await connection.addIceCandidate(init ?? undefined).catch(() => {});
    },
    send(name, text) {
      if (closed || channels[name].readyState !== 'open') return false;
      if (name === 'control' && channels[name].bufferedAmount > MAX_WAITING) return false;
      channels[name].send(text);
      return true;
    },
    probe: roaming.probe,
    // What was lost meanwhile can't be shown, nor what builds upon it.
    resumed() {
      video?.resumed();
      handlers.keyFrameWanted();
    },
    video: () => video,
    async stats() {
      // Before anything is waited for: it is asked for, too, just before the connection closes.
      const now = pathStats(path.ice, path.traffic);
      const reduced = video?.reduced;
      return now && withLoss(reduced ? { ...now, reduced } : now, await sender.getStats());
    },
    close() {
      closed = true;
      reporter.close();
      path.close();
      video?.close();
      void connection.close().catch(() => {});
    },
  };
}
