/** The access rules in the words of other brokers. Pure; the rules themselves are in rules.ts. */
import type { Role } from '../../shared/roles.ts';
import { isWildcard } from '../../shared/room-pattern.ts';
import { entersAll, type Identity } from './identity.ts';
import { type Action, RULES } from './rules.ts';

/** The `acl` claim of a token as EMQX reads it: topic filters that the client may publish and subscribe to. */
export interface AclClaim {
  pub: string[];
  sub: string[];
}

/**
 * A pattern such as `van-*` has no MQTT filter and is left out: EMQX gives no access to what it stands for.
 * @param root the topic root
 */
export function aclClaim({ sub, role, rooms }: Identity, root: string): AclClaim {
  const names = entersAll({ rooms }) ? ['+'] : rooms.filter((room) => !isWildcard(room));
  const topics = (wanted: Action) =>
    rulesOf(role, wanted).flatMap((topic) => {
      const whole = topic.startsWith('$') ? topic : `${root}/${topic}`;
      const mine = whole.replaceAll('{self}', sub).replaceAll('{any}', '+').replaceAll('{rest}', '#');
      return mine.includes('{room}') ? names.map((room) => mine.replaceAll('{room}', room)) : [mine];
    });
  return { pub: topics('publish'), sub: topics('receive') };
}

const rulesOf = (role: Role, wanted: Action): string[] =>
  RULES.filter(({ roles, action }) => action === wanted && roles.includes(role)).map(({ topic }) => topic);

/**
 * An `acl_file` of Mosquitto. It knows no roles and no rooms of a user: with the user name as the peer id
 * everybody speaks only as itself, and everybody is a vehicle and an operator at once, in all rooms.
 * @param monitors user names that read everything
 * @param server the user name of `plntry serve`, which clears what vehicles leave, and says what they have relayed
 */
export function mosquittoAcl(root: string, monitors: string[], server?: string): string {
  const pattern = (wanted: Action) => {
    const roles: Role[] = ['vehicle', 'operator'];
    const topics = roles.flatMap((role) => rulesOf(role, wanted));
    const filters = topics.map(
      (topic) =>
        `${root}/${topic
          .replaceAll('{self}', '%u')
          .replaceAll(/\{(room|any)\}/g, '+')
          .replaceAll('{rest}', '#')}`,
    );
    return [...new Set(filters)].sort();
  };
  const lines = [
    '# Access rules of plntry for Mosquitto: acl_file in mosquitto.conf, with allow_anonymous false.',
    "# A client's user name is its peer id: car1 for a vehicle, op-… for an operator, sv-… for a supervisor.",
    '# Mosquitto tells neither roles nor rooms apart: each user speaks only as itself, in every room. Where that',
    "# is not enough, use the built-in broker, or EMQX with the tokens' own acl claim. Monitors read more, and may",
    '# make emergency stops like everybody.',
    '',
    ...pattern('publish').map((filter) => `pattern write ${filter}`),
    ...pattern('receive').map((filter) => `pattern read ${filter}`),
  ];
  if (server !== undefined) lines.push('', `user ${server}`, `topic readwrite ${root}/#`);
  for (const user of monitors) lines.push('', `user ${user}`, `topic read ${root}/#`, 'topic read $SYS/#');
  return `${lines.join('\n')}\n`;
}

/** What EMQX needs to take the tokens of plntry, in its configuration's own notation (HOCON). */
export function emqxConfig(): string {
  return `# Access rules of plntry for EMQX 5: its tokens name their own topics, as the claim acl.
# Put plntry's secret in place of the words below (the file access/secret in its data folder), and let only EMQX read it.
authentication = [
  {
    mechanism = jwt
    use_jwks = false
    algorithm = hmac-based
    secret = "the secret of plntry"
    secret_base64_encoded = true
    from = password
    disconnect_after_expire = true
    verify_claims {
      sub = "\${clientid}"
      aud = "mqtt"
    }
  }
]
authorization {
  no_match = deny
  deny_action = disconnect
  sources = []
}
`;
}
