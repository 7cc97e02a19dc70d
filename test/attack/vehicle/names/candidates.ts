/** Candidates that lead where a car has no business: to names, and to its own machine. */

/** As people write addresses of a machine to itself, for one parser or another. */
const LOOPBACK = [
  '127.0.0.1',
  '127.255.255.254',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0.0.0.0',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '0:0:0:0:0:0:0:1',
];
const NAMES = [
  'localhost',
  'localhost.',
  'car.example',
  'a.very.long.name.of.somebody.else.example',
  'xn--nxasmq6b.example',
  '1.2.3.4.example',
  'printer',
  'printer.local.example',
  '0c5f8b1e-2a61-4f37-9d0b-6a1f8d9f5a11.local',
  'UPPER.EXAMPLE',
];
const KINDS = ['typ host', 'typ srflx raddr 0.0.0.0 rport 9', 'typ relay raddr 0.0.0.0 rport 9', 'typ prflx'];

/** @param port where datagrams that get to this machine are counted */
export const hostileCandidates = (port: number): string[] =>
  [...NAMES, ...LOOPBACK].flatMap((address, index) => {
    const kinds = [KINDS[0], KINDS[1 + (index % 3)]];
    return kinds.map(
      (kind, n) => `candidate:${index}${n} 1 udp ${2_130_706_431 - index} ${address} ${port} ${kind}`,
    );
  });
