/** What werift's ICE connection has and its types keep to themselves. Nothing else reaches into it. */
import type * as werift from 'werift';

export interface Insides {
  /** Sockets and relays, each with its local candidate. */
  protocols: werift.Protocol[];
  localCandidatesStart: boolean;
  localCandidatesEnd: boolean;
  /** Answers the checks that come in, and hands on the data. */
  ensureProtocol(protocol: werift.Protocol): void;
  /** Pairs it with the remote candidates that are known. */
  pairLocalProtocol(protocol: werift.Protocol): void;
  appendLocalCandidate(candidate: werift.Candidate): void;
  checkComplete(pair: werift.CandidatePair): void;
  /** Begins to keep the nominated pair alive (RFC 7675); nothing is sent over it before. */
  queryConsent(): void;
  setState(state: werift.IceState): void;
  buildRequest(request: {
    nominate: boolean;
    localUsername: string;
    remoteUsername: string;
    iceControlling: boolean;
    localCandidate: werift.Candidate | undefined;
  }): werift.Message;
}

export function insidesOf(connection: werift.Connection): Insides {
  return connection as unknown as Insides;
}
