/** A UDP socket for each address of this machine, with its host candidate. */
import { isIPv4 } from 'node:net';
import * as werift from 'werift';
import { insidesOf } from './insides.ts';

export type HostProtocol = werift.StunProtocol & { localIp: string; localCandidate: werift.Candidate };

const isHost = (protocol: werift.Protocol): protocol is HostProtocol => protocol.localIp !== undefined;

/**
 * Opens those that are missing and advertises all; what the connection had beside them is not part of it any more.
 * The sockets of addresses that are still there stay, with what NATs know of them.
 * @param leave is handed the others: something may still be on its way over them
 */
export async function openHosts(
  connection: werift.Connection,
  leave: (protocol: werift.Protocol) => void,
): Promise<HostProtocol[]> {
  const insides = insidesOf(connection);
  const addresses = werift.getHostAddresses(true, true);
  const before = insides.protocols.filter(isHost);
  insides.protocols = [];
  for (const protocol of before) {
    if (addresses.includes(protocol.localIp)) advertise(connection, protocol);
    else leave(protocol);
  }
  const missing = addresses.filter((address) => !before.some(({ localIp }) => localIp === address));
  // An address may be gone by now, which says nothing about the others.
  await Promise.allSettled(missing.map((address) => openHost(connection, address)));
  return insides.protocols.filter(isHost);
}

async function openHost(connection: werift.Connection, address: string): Promise<void> {
  const protocol = new werift.StunProtocol();
  insidesOf(connection).ensureProtocol(protocol);
  await protocol.connectionMade(isIPv4(address), undefined, undefined);
  protocol.transport.socket.on('error', () => {});
  if (connection.state === 'closed') return protocol.close();
  const [, port] = protocol.getExtraInfo();
  const foundation = werift.candidateFoundation('host', 'udp', address);
  const priority = werift.candidatePriority('host', { transport: 'udp' });
  protocol.localCandidate = new werift.Candidate(foundation, 1, 'udp', priority, address, port, 'host');
  protocol.localIp = address;
  advertise(connection, protocol);
}

/** Makes a socket or relay part of the connection as it is now: after a restart, under another name. */
export function advertise(connection: werift.Connection, protocol: werift.Protocol): void {
  const insides = insidesOf(connection);
  const { localCandidate } = protocol;
  if (!localCandidate) return;
  insides.protocols.push(protocol);
  announce(connection, localCandidate);
  insides.pairLocalProtocol(protocol);
}

export function announce(connection: werift.Connection, candidate: werift.Candidate): void {
  candidate.generation = connection.generation;
  candidate.ufrag = connection.localUsername;
  insidesOf(connection).appendLocalCandidate(candidate);
}
