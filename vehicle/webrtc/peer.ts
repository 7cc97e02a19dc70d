/** The vehicle's WebRTC stack as a `Peer`: a transport, what is said on its channels, and the video on it. */
import type { ChannelName } from '../../shared/channels.ts';
import { BEAT } from '../../shared/heartbeat.ts';
import type { PathStats, Peer, PeerHandlers } from '../../shared/peer.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { preload } from './connection.ts';
import { targetsOf } from './ice-targets.ts';
import { type AnsweredVideo, answeredVideo, newVideoIds } from './offered-video.ts';
import { createOutage } from './outage.ts';
import { statsOf } from './path-stats.ts';
import { createReporter } from './peer-report.ts';
import { resolve } from './resolve.ts';
import { createTransport, type TransportEvents } from './transport.ts';
import { createVideoSender, type VideoSender } from './video-sender.ts';

/** More than so much of `control` waiting, in bytes, would come late: it is not sent at all. */
const MAX_WAITING = 1_000;
/** The same of `events`, where nothing may be left out: an hour of them to who reads them. */
const MOST_EVENTS_WAITING = 64 * 1024;
const CHANNEL_NAMES: ChannelName[] = ['control', 'events'];

export interface PeerOptions {
  /** Asked for with every new connection, as credentials expire. */
  iceServers(): IceServer[];
  /** What is missing from the servers, each a sentence. */
  notes?(): string[];
  /** Operators may be reached at this machine's loopback addresses. */
  allowLoopback?: boolean;
}

/** What a vehicle's peer can do beside a session's needs: send video. */
export interface VideoPeer extends Peer {
  /** What sends it; null until media can be sent. */
  video(): VideoSender | null;
}

export interface VideoPeerHandlers extends PeerHandlers {
  /** Media can be sent from now on; a round trip before the channels are open. */
  mediaReady(): void;
  /** The receiver asks for a key frame (PLI, RFC 4585), or can do nothing without one. */
  keyFrameWanted(): void;
  /** The sender allows another rate now, or holds, or holds no more. */
  videoChanged?(): void;
}

export function createPeerFactory(options: PeerOptions) {
  preload();
  // So that the first session does not wait for the name server.
  for (const { host, skip } of targetsOf(options.iceServers())) if (!skip) resolve(host).catch(() => {});
  return { create: (handlers: VideoPeerHandlers): VideoPeer => createVehiclePeer(handlers, options) };
}

function createVehiclePeer(handlers: VideoPeerHandlers, options: PeerOptions): VideoPeer {
  const ids = newVideoIds();
  const outage = createOutage();
  let closed = false;
  let ice = 'new';
  let answered: { video: AnsweredVideo | null } | null = null;
  let video: VideoSender | null = null;

  const { iceServers, allowLoopback = false } = options;
  const transport = createTransport({ iceServers, allowLoopback, ids }, transportEvents());
  const reporter = createReporter(
    () => ({
      gathered: transport.gathered(),
      servers: transport.answers(),
      pair: pairOf(transport.path()),
      notes: options.notes?.() ?? [],
    }),
    (report) => handlers.report?.(report),
  );
  reporter.enter('gathering', 'new');
  reporter.enter('ice', 'new');

  function transportEvents(): TransportEvents {
    const open = new Set<ChannelName>();
    let reached = false;
    let secured = false;
    return {
      candidate: (candidate) => void (closed || handlers.candidate(candidate)),
      gathering: (state) => reporter.enter('gathering', state),
      changed: () => reporter.changed(),
      heard: outage.heard,
      ice(state) {
        ice = state;
        // libjuice says so from its first candidate on.
        if (answered || state !== 'checking') reporter.enter('ice', state);
        if (state !== 'connected' || reached) return;
        reached = true;
        reporter.enter('dtls', 'connecting');
      },
      secured() {
        secured = true;
        reporter.enter('dtls', 'connected');
        reporter.enter('channels', 'connecting');
        if (answered?.video) video ??= sendVideo(answered.video);
        handlers.mediaReady();
      },
      media: (packet) => video?.feedback(packet),
      message: (channel, text) => handlers.message(channel, text),
      channel(name, state) {
        // Channels end, too, when the transport below them never worked; that is told as such.
        if (state === 'closed' && !secured) return;
        open[state === 'open' ? 'add' : 'delete'](name);
        const isOpen = open.size === CHANNEL_NAMES.length;
        reporter.enter('channels', state === 'closed' ? 'closed' : isOpen ? 'open' : 'connecting');
        if (state === 'closed') handlers.closed?.();
        else if (isOpen) handlers.open();
      },
      failed(error) {
        // A path was there, and whoever was at its other end could not prove to be the one of the answer.
        const refused = reached && !secured;
        if (refused) reporter.enter('dtls', 'failed');
        handlers.failed(
          error ? String(error) : refused ? 'the DTLS handshake failed' : 'no network path works',
        );
      },
    };
  }

  function sendVideo(taken: AnsweredVideo): VideoSender {
    return createVideoSender({
      ids,
      answered: taken,
      transmit: (packet) => transport.connection()?.sendMedia(packet),
      keyFrameWanted: handlers.keyFrameWanted,
      changed: () => handlers.videoChanged?.(),
    });
  }

  function stats(): PathStats | null {
    const path = transport.path();
    if (!path) return null;
    const stats: PathStats = { ...statsOf(path), ...transport.bytes() };
    const rttMs = transport.connection()?.roundTrip();
    if (rttMs !== undefined) stats.rttMs = rttMs;
    if (video?.lossPct !== undefined) stats.lossPct = video.lossPct;
    if (video?.reduced) stats.reduced = video.reduced;
    reporter.changed();
    return stats;
  }

  return {
    createOffer: () => transport.offer(),
    acceptOffer: () => Promise.reject(new Error('the vehicle is always the offerer')),
    async acceptAnswer(sdp) {
      if (answered) return;
      transport.accept(sdp);
      answered = { video: answeredVideo(sdp) };
      reporter.enter('ice', ice);
    },
    async addCandidate(candidate) {
      // That there are no more is never said to ICE: it would give up when nothing is left to check, although
      // a relay may be on its way, or a check from an address that a browser has hidden.
      if (candidate && !closed) transport.addCandidate(candidate);
    },
    send(name, text) {
      const connection = transport.connection();
      if (closed || !connection?.isOpen(name)) return false;
      if (name === 'control') {
        const now = performance.now();
        // A beat says nothing that could be too late.
        if (outage.lasts(now) && text !== BEAT) return false;
        if (connection.waiting(name) > MAX_WAITING) return false;
        outage.said(now);
      }
      // Who acknowledges nothing is not told more and more.
      else if (connection.waiting(name) > MOST_EVENTS_WAITING) {
        handlers.failed('the other end takes nothing of what it is told');
        return false;
      }
      return connection.send(name, text);
    },
    // What was lost meanwhile can't be shown, nor what builds upon it.
    resumed() {
      video?.resumed();
      handlers.keyFrameWanted();
    },
    video: () => video,
    // At once: it is asked for, too, just before the connection closes.
    stats: () => Promise.resolve(stats()),
    close() {
      closed = true;
      reporter.close();
      video?.close();
      transport.close();
    },
  };
}

const pairOf = (path: ReturnType<ReturnType<typeof createTransport>['path']>) =>
  path && { local: path.local, remote: path.remote };
