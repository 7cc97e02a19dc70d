/** A server with access control, and tokens for it. */
import { onTestFinished } from 'vitest';
import type { Access } from '../../broker/access/access.ts';
import { startServer } from '../../broker/serve.ts';
import type { Role } from '../../shared/roles.ts';
import { testFolder } from './folder.ts';
import { recordLog } from './log.ts';

export const HOUR_S = 3_600;

/** @param pageTokenS how long a page's token is good, seconds */
export async function guardedServer(
  options: Partial<Parameters<typeof startServer>[0]> = {},
  pageTokenS?: number,
) {
  const record = recordLog();
  const data = testFolder();
  const server = await startServer(
    { port: 0, mqttPort: 0, access: { data, pageTokenS }, ...options },
    record.log,
  );
  onTestFinished(() => server.close());
  const access = server.access as Access;
  return {
    ...server,
    ...record,
    access,
    data,
    webSocketUrl: `${server.webUrl.replace('http', 'ws')}/mqtt`,
    /** A token, as MQTT.js takes it. */
    async login(sub: string, role: Role, rooms: string[], forS = HOUR_S) {
      const { text: password, id } = await access.issuer.token(sub, { role, rooms, forS });
      return { clientId: sub, username: sub, password, id };
    },
    link: async (role: Role, rooms: string[]) =>
      `${server.webUrl}/join#${(await access.issuer.invitation({ role, rooms, forS: HOUR_S, uses: 1 })).text}`,
    invite: (role: Role, rooms: string[], uses = 1) =>
      access.issuer.invitation({ role, rooms, forS: HOUR_S, uses }),
  };
}
