/** The two ends of a session without broker and agent: the vehicle's peer, and werift as the operator. */
import { expect, onTestFinished } from 'vitest';
import * as werift from 'werift';
import { CHANNELS } from '../../shared/channels.ts';
import type { PeerReport } from '../../shared/report.ts';
import { createPeerFactory, type PeerOptions } from '../../vehicle/webrtc/peer.ts';

/** Against hanging only. */
const POLL = { timeout: 20_000 };

type Init = werift.RTCIceCandidateInit;

/** What both ends exchange over the broker otherwise; candidates that are not wanted are lost there. */
export function meet(
  options: Partial<PeerOptions> = {},
  operatorOptions: Partial<werift.PeerConfig> = {},
  wanted: {
    fromVehicle?: (line: string) => boolean;
    fromOperator?: (line: string) => boolean;
    /** What the operator is told instead of a vehicle's candidate. */
    change?: (line: string) => string;
  } = {},
) {
  const vehicle = vehiclePeer(options);
  const operator = operatorPeer(operatorOptions);
  const described = Promise.withResolvers<void>();
  vehicle.onCandidate(async (init) => {
    await described.promise;
    const line = init.candidate ?? '';
    if (!(wanted.fromVehicle?.(line) ?? true)) return;
    await operator.connection.addIceCandidate({ ...init, candidate: wanted.change?.(line) ?? line });
  });
  operator.connection.onIceCandidate.subscribe((candidate) => {
    if (!candidate?.candidate || !(wanted.fromOperator?.(candidate.candidate) ?? true)) return;
    void vehicle.peer.addCandidate({ candidate: candidate.candidate, sdpMid: '0', sdpMLineIndex: 0 });
  });
  /** @param change what somebody in the middle makes of the answer */
  async function negotiate(
    change: (answer: string) => string = (answer) => answer,
    role: 'active' | 'passive' = 'active',
  ): Promise<void> {
    const sdp = await vehicle.peer.createOffer();
    // What is offered is `actpass`; who is offered the other role has this one.
    const offered = role === 'active' ? sdp : sdp.replaceAll('a=setup:actpass', 'a=setup:active');
    await operator.connection.setRemoteDescription({ type: 'offer', sdp: offered });
    described.resolve();
    const answer = await operator.connection.createAnswer();
    void operator.connection.setLocalDescription(answer);
    await vehicle.peer.acceptAnswer(change(answer.sdp));
  }
  return {
    vehicle,
    operator,
    negotiate,
    /** Resolves when something was said from the operator to the vehicle and heard there. */
    async heard(text = `heard ${performance.now()}`): Promise<void> {
      operator.channels.events.send(text);
      await vehicle.until(`events: ${text}`);
    },
  };
}

export type Meeting = ReturnType<typeof meet>;

/** The vehicle's peer, and what it has said. */
export function vehiclePeer(options: Partial<PeerOptions> = {}) {
  const factory = createPeerFactory({ iceServers: () => [], ...options });
  const said: string[] = [];
  const candidates: string[] = [];
  const reports: PeerReport[] = [];
  let onCandidate = (_init: Init) => {};
  const peer = factory.create({
    candidate(candidate) {
      if (!candidate) return;
      candidates.push(candidate.candidate);
      onCandidate(candidate as Init);
    },
    open: () => said.push('open'),
    closed: () => said.push('closed'),
    failed: (detail) => said.push(`failed: ${detail}`),
    message: (channel, text) => said.push(`${channel}: ${text}`),
    mediaReady: () => said.push('media'),
    keyFrameWanted: () => said.push('key frame'),
    report: (report) => reports.push(report),
  });
  onTestFinished(() => peer.close());
  return {
    peer,
    said,
    candidates,
    reports,
    onCandidate(listener: (init: Init) => void) {
      onCandidate = listener;
    },
    until: (what: string) => expect.poll(() => said, POLL).toContain(what),
  };
}

export function operatorPeer(options: Partial<werift.PeerConfig> = {}) {
  const connection = new werift.RTCPeerConnection({
    bundlePolicy: 'max-bundle',
    iceServers: [],
    codecs: { video: [werift.useH264()] },
    ...options,
  });
  onTestFinished(() => connection.close());
  const channels = {
    control: connection.createDataChannel('control', { ...CHANNELS.control, negotiated: true }),
    events: connection.createDataChannel('events', { ...CHANNELS.events, negotiated: true }),
  };
  return {
    connection,
    channels,
    get ice() {
      return connection.iceTransports[0]?.connection as werift.Connection;
    },
  };
}
