/** Looks at everything that a vehicle or an operator on this machine needs, at the same time. */
import type { IceAnswer, IceServer } from '../../shared/server-api.ts';
import { ownAddresses } from '../webrtc/resolve.ts';
import { checkBroker } from './broker-check.ts';
import type { Findings } from './findings.ts';
import { checkIce } from './ice-check.ts';
import { askIce, checkPagesMqtt } from './pages-check.ts';

export interface Subject {
  /** mqtt(s):// or ws(s):// address, with login where needed. */
  broker?: string | undefined;
  /** http(s):// address of a plntry server. */
  server?: string | undefined;
  /** What to log in with at both, where there is access control. */
  token?: string | undefined;
  /** Asked instead of the server's /api/ice. */
  iceServers?: (() => Promise<IceAnswer>) | undefined;
}

/** Takes some 9 s at most. @param signal what was found until then is returned */
export async function examine(subject: Subject, signal: AbortSignal): Promise<Findings> {
  const { broker, server, token } = subject;
  const asking = server ? askIce(server, signal, token) : null;
  const [brokerReach, pages, ice] = await Promise.all([
    broker ? checkBroker(broker, signal, token) : null,
    server && asking ? checkPages(server, asking, signal, token) : null,
    findServers(subject, asking).then(async ({ iceServers, warnings }) => ({
      ...(await checkIce(iceServers, signal)),
      warnings,
    })),
  ]);
  return { addresses: ownAddresses(), broker: brokerReach, pages, ...ice };
}

async function checkPages(
  server: string,
  asking: ReturnType<typeof askIce>,
  signal: AbortSignal,
  token: string | undefined,
) {
  const [{ reach: ice }, mqtt] = await Promise.all([asking, checkPagesMqtt(server, signal, token)]);
  return { ice, mqtt };
}

async function findServers(
  { iceServers }: Subject,
  asking: ReturnType<typeof askIce> | null,
): Promise<{ iceServers: IceServer[]; warnings: string[] }> {
  const answer = iceServers ? await iceServers() : await asking;
  return { iceServers: answer?.iceServers ?? [], warnings: answer?.warnings ?? [] };
}
