/** A server with limits of its own, and what it says and counts about them. */
import { onTestFinished } from 'vitest';
import { kebab, type LimitName, type Limits } from '../../broker/limits/limits.ts';
import { startServer } from '../../broker/serve.ts';
import { recordLog } from './log.ts';
import { parseMetrics } from './prometheus.ts';

export async function limitedServer(
  limits: Partial<Limits>,
  options: Partial<Parameters<typeof startServer>[0]> = {},
) {
  const record = recordLog();
  const server = await startServer({ port: 0, mqttPort: 0, limits, ...options }, record.log);
  onTestFinished(() => server.close());
  const { webUrl, mqttUrl, mqttsUrl } = server;

  async function metric(name: string, limit: string): Promise<number | undefined> {
    const response = await fetch(`${webUrl}/metrics`);
    if (!response.ok) return undefined;
    const samples = parseMetrics(await response.text()).get(name)?.samples ?? [];
    return samples.find(({ labels }) => labels.limit === limit)?.value;
  }

  return {
    ...record,
    webUrl,
    mqttUrl,
    mqttsUrl,
    webSocketUrl: `${webUrl.replace('http', 'ws')}/mqtt`,
    /** How often a limit was hit, as /metrics says. */
    hits: (limit: string) => metric('plntry_limit_hits_total', limit),
    /** What is used of it, as /metrics says. */
    used: (limit: string) => metric('plntry_limit_used', limit),
    /** What the log has about a limit so far. */
    said: (limit: string) =>
      record.entries.filter(({ fields }) => fields.limit === kebab(limit as LimitName)),
    close: () => server.close(),
  };
}
