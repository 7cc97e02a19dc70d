/** Watches what a browser's connection learns of the network, and tells all of it with every change. */
import type { PathStats } from '../../shared/peer.ts';
import { createRelayCount } from '../../shared/relay-count.ts';
import { type Gathered, NOTHING_REPORTED, type PeerReport, type StateChange } from '../../shared/report.ts';
import { createAnswers } from './answers.ts';
import { fromCandidate, readPath } from './path.ts';

/** A server that has not answered by then counts as unreachable until it does, ms; browsers wait 40 s. */
const SILENCE_MS = 5_000;

export interface ReportOptions {
  iceServers(): RTCIceServer[];
  /** What else is wrong at this end, each a sentence. */
  notes(): string[];
  tell(report: PeerReport): void;
}

export type Watch = ReturnType<typeof watchConnection>;

export function watchConnection(
  connection: RTCPeerConnection,
  channels: RTCDataChannel[],
  { iceServers, notes, tell }: ReportOptions,
) {
  let report: PeerReport = NOTHING_REPORTED;
  let answers = createAnswers([]);
  /** Of the candidates that are gathered now; others come with an ICE restart. */
  let generation: string | null = null;
  let askedAt = 0;
  const relayed = createRelayCount();
  let silence: ReturnType<typeof setTimeout> | undefined;
  const undo: (() => void)[] = [];

  function listen(target: EventTarget, types: string[], listener: (event: Event) => void): void {
    for (const type of types) target.addEventListener(type, listener);
    undo.push(() => {
      for (const type of types) target.removeEventListener(type, listener);
    });
  }

  function change(next: Partial<PeerReport>): void {
    report = { ...report, ...next, notes: notes() };
    tell(report);
  }

  /** The addresses are looked for anew. */
  function begin(): void {
    answers = createAnswers(iceServers().flatMap(({ urls }) => urls));
    generation = null;
    askedAt = performance.now();
    clearTimeout(silence);
    silence = setTimeout(() => {
      answers.silence(SILENCE_MS);
      change({ servers: answers.all });
    }, SILENCE_MS);
    change({ gathered: [], servers: answers.all });
  }

  const ms = () => Math.round(performance.now() - askedAt);

  function candidate({ candidate }: RTCPeerConnectionIceEvent): void {
    const gathered = candidate?.candidate ? fromCandidate(candidate) : null;
    if (!candidate || !gathered) return;
    const of = candidate.usernameFragment;
    if (generation !== null && of !== generation) begin();
    generation = of;
    // Not in TypeScript's DOM yet.
    answers.gave((candidate as { url?: string | null }).url ?? null, ms());
    const known = report.gathered.some((one) => same(one, gathered));
    change({ servers: answers.all, gathered: known ? report.gathered : [...report.gathered, gathered] });
  }

  /** Notes each state that is another one than before. */
  function look(): void {
    const dtls = connection.sctp?.transport;
    const now: [StateChange['of'], string | undefined][] = [
      ['gathering', connection.iceGatheringState],
      ['ice', connection.iceConnectionState],
      ['dtls', dtls?.state],
      ['channels', together(channels)],
    ];
    const at = Date.now();
    const news = now.flatMap(([of, state]) => {
      const before = report.states.findLast((one) => one.of === of)?.state;
      return state === undefined || state === 'new' || state === before ? [] : [{ at, of, state }];
    });
    if (news.length === 0) return;
    const gathering = news.find(({ of }) => of === 'gathering')?.state;
    if (gathering === 'gathering') begin();
    if (gathering === 'complete')
      answers.complete(/^(connected|completed)$/.test(connection.iceConnectionState));
    change({ servers: answers.all, states: [...report.states, ...news] });
  }

  listen(connection, ['icecandidate'], (event) => candidate(event as RTCPeerConnectionIceEvent));
  listen(connection, ['icecandidateerror'], (event) => {
    answers.erred(event as RTCPeerConnectionIceErrorEvent, ms());
    change({ servers: answers.all });
  });
  listen(connection, ['icegatheringstatechange', 'iceconnectionstatechange'], look);
  for (const channel of channels) listen(channel, ['open', 'close'], look);
  let transport: RTCDtlsTransport | null = null;
  // It exists only when there is a description.
  listen(connection, ['signalingstatechange'], () => {
    if (transport || !connection.sctp) return;
    transport = connection.sctp.transport;
    listen(transport, ['statechange'], look);
    listen(transport.iceTransport, ['selectedcandidatepairchange'], () => void read().catch(() => {}));
  });

  /** The path as it is now; a pair that is new is told. */
  async function read(): Promise<PathStats | null> {
    const { pair, stats } = readPath(await connection.getStats(), relayed);
    if (!samePair(pair, report.pair)) change({ pair });
    return stats;
  }

  return {
    /** Notes what has changed and may not have been told yet. */
    look,
    read,
    close(): void {
      clearTimeout(silence);
      for (const stop of undo) stop();
    },
  };
}

const same = (one: Gathered, other: Gathered) =>
  one.type === other.type &&
  one.protocol === other.protocol &&
  one.relayProtocol === other.relayProtocol &&
  one.family === other.family;

const samePair = (one: PeerReport['pair'], other: PeerReport['pair']) =>
  one === null || other === null
    ? one === other
    : same(one.local, other.local) && same(one.remote, other.remote);

/** Of several channels: open when all are, closed when one is. */
function together(channels: RTCDataChannel[]): RTCDataChannelState | undefined {
  const states = channels.map(({ readyState }) => readyState);
  return (['closed', 'closing', 'connecting'] as const).find((state) => states.includes(state)) ?? states[0];
}
