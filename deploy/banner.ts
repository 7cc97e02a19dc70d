/** What is printed for people once the server runs. */

export interface Addresses {
  /** Of the pages, or invitations to them; the first is the usual one, others lead to the same. */
  open: string[];
  mqttUrl: string;
  /** MQTT over TLS, where there is that. */
  mqttsUrl?: string | null;
  root: string;
  /** Only who has a token is let in. */
  guarded?: boolean;
}

export function banner({ open, mqttUrl, mqttsUrl, root, guarded = false }: Addresses): string {
  const watch = guarded ? null : watchCommand(mqttUrl, root);
  const [first, ...more] = open;
  const lines = ['', '  plntry is running', '', `  Open      ${first}`];
  for (const link of more) lines.push(`            ${link} from the network`);
  lines.push(`  MQTT      ${mqttUrl}`);
  if (mqttsUrl) lines.push(`            ${mqttsUrl}`);
  if (watch) lines.push(`  Watch     ${watch}`);
  if (guarded) lines.push('  Access    only with a token: plntry invite --help, plntry token --help');
  lines.push('  Stop      Ctrl-C', '', '');
  return lines.join('\n');
}

/** A line to paste that shows every message; null for brokers that mosquitto_sub can't reach that way. */
export function watchCommand(mqttUrl: string, root: string): string | null {
  const url = new URL(mqttUrl);
  const port = { 'mqtt:': 1883, 'tcp:': 1883, 'mqtts:': 8883, 'tls:': 8883, 'ssl:': 8883 }[url.protocol];
  if (port === undefined) return null;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const tls = port === 8883 ? ' --tls-use-os-certs' : '';
  const topic = `'${root.replaceAll("'", "'\\''")}/#'`;
  return `mosquitto_sub -h ${host} -p ${url.port || port}${tls} -t ${topic} -v`;
}
