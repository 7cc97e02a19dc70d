/** How STUN servers see the sockets of this machine: server-reflexive candidates (RFC 8445, section 5.1.1.2). */
import { isIP } from 'node:net';
import * as werift from 'werift';
import type { HostProtocol } from './hosts.ts';
import type { Target } from './ice-targets.ts';
import { resolve } from './resolve.ts';
import { RefusedError, SilentError } from './server-errors.ts';

/** First wait for an answer, doubled with each of the retransmissions: 3.9 s in all. */
const FIRST_WAIT_MS = 125;
const RETRANSMISSIONS = 4;

/**
 * Asks a server about each socket; resolves with the first answer.
 * @param found is told of every candidate that this server makes known
 * @throws UnknownHostError, RefusedError, SilentError
 */
export async function findReflexives(
  target: Target,
  protocols: HostProtocol[],
  found: (candidate: werift.Candidate) => void,
  signal: AbortSignal,
): Promise<void> {
  const addresses = await resolve(target.host);
  const asking = protocols.flatMap((protocol) => {
    const server = addresses.find((address) => isIP(address) === isIP(protocol.localIp));
    return server ? [askAbout(protocol, [server, target.port], signal).then(found)] : [];
  });
  if (asking.length === 0) throw new SilentError('this machine has no address of its family');
  try {
    await Promise.any(asking);
  } catch (error) {
    const { errors } = error as AggregateError;
    throw errors.find((each) => each instanceof RefusedError) ?? errors[0];
  }
}

async function askAbout(
  protocol: HostProtocol,
  server: werift.Address,
  signal: AbortSignal,
): Promise<werift.Candidate> {
  const { host, port } = protocol.localCandidate;
  const [seenHost, seenPort] = await ask(protocol, server, signal);
  const foundation = werift.candidateFoundation('srflx', 'udp', `${host}|${server[0]}`);
  const priority = werift.candidatePriority('srflx', { transport: 'udp' });
  return new werift.Candidate(foundation, 1, 'udp', priority, seenHost, seenPort, 'srflx', host, port);
}

async function ask(
  protocol: HostProtocol,
  server: werift.Address,
  signal: AbortSignal,
): Promise<werift.Address> {
  const request = new werift.Message(werift.methods.BINDING, werift.classes.REQUEST);
  const options = { retransmissions: RETRANSMISSIONS, responseTimeout: FIRST_WAIT_MS, signal };
  const answer = await protocol.request(request, server, undefined, options).catch((error) => {
    const { response } = error as { response?: werift.Message };
    if (!response) throw new SilentError('no answer');
    const [code, reason] = response.getAttributeValue('ERROR-CODE') ?? [0, 'an error without a code'];
    throw new RefusedError(code, reason);
  });
  const [message] = answer;
  const seen = message.getAttributeValue('XOR-MAPPED-ADDRESS') ?? message.getAttributeValue('MAPPED-ADDRESS');
  if (!seen) throw new SilentError('its answer has no address');
  return seen;
}

/** Which candidates say something new (RFC 8445, section 5.1.3). */
export function createNovelty(protocols: HostProtocol[]): (candidate: werift.Candidate) => boolean {
  const name = ({ host, port }: werift.Candidate) => `${host} ${port}`;
  const known = new Set(protocols.map(({ localCandidate }) => name(localCandidate)));
  return (candidate) => {
    const before = known.size;
    return known.add(name(candidate)).size > before;
  };
}
