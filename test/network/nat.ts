/** What a router does with the packets of the network behind it, as iptables rules. */
import type { Namespace } from './namespace.ts';

/**
 * - none: no router, a public address of its own
 * - port-preserving: the same mapping towards all, with the port kept where it is free (RFC 4787 REQ-1);
 *   packets come in only from where one went out to
 * - symmetric: another random port for each destination
 * - udp-blocked: port-preserving, and no UDP but DNS
 * - only-tcp-443: port-preserving, and nothing but TCP to port 443
 */
export type NatKind = 'none' | 'port-preserving' | 'symmetric' | 'udp-blocked' | 'only-tcp-443';

/** Dropped in silence, as firewalls do: what waits for an answer must give up by itself. */
const BLOCKED: Partial<Record<NatKind, string[]>> = {
  'udp-blocked': ['-A FORWARD -i lan -p udp ! --dport 53 -j DROP'],
  'only-tcp-443': ['-A FORWARD -i lan -p tcp --dport 443 -j ACCEPT', '-A FORWARD -i lan -j DROP'],
};

/**
 * A port-preserving NAT that has forgotten its mappings chooses from one of these, in turns. Hosts don't
 * choose theirs from there, so that none is kept.
 */
const REBOUND_PORTS = ['10000-19999', '20000-29999'];

/**
 * Makes a namespace with interfaces `lan` and `wan` a router.
 * @param rebound how often it has forgotten its mappings
 */
export async function applyNat(router: Namespace, kind: NatKind, rebound = 0): Promise<void> {
  const ports = rebound === 0 ? '' : `--to-ports ${REBOUND_PORTS[rebound % REBOUND_PORTS.length]}`;
  const masquerade =
    kind === 'symmetric'
      ? ['-A POSTROUTING -o wan -j MASQUERADE --random-fully']
      : ports
        ? ['udp', 'tcp'].map((protocol) => `-A POSTROUTING -o wan -p ${protocol} -j MASQUERADE ${ports}`)
        : ['-A POSTROUTING -o wan -j MASQUERADE'];
  const rules = [
    '*nat',
    ...masquerade,
    'COMMIT',
    '*filter',
    // Dropped before they are tracked: a peer's early packet must not occupy the port that it came to.
    '-A INPUT -i wan -m conntrack --ctstate NEW,INVALID -j DROP',
    '-A FORWARD -i wan -m conntrack --ctstate NEW,INVALID -j DROP',
    ...(BLOCKED[kind] ?? []),
    'COMMIT',
  ];
  await router.must('iptables-restore', [], `${rules.join('\n')}\n`);
}
