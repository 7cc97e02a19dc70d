/** Commands of access control, run to their end, and a server that keeps to it. */
import { spawnCli } from '../helpers/cli.ts';

export async function run(args: string[], environment: Record<string, string> = {}) {
  const cli = spawnCli(args, environment);
  const { status } = await cli.ended;
  return { status, stdout: cli.stdout().trim(), stderr: cli.stderr().trim() };
}

export async function serve(data: string, ...args: string[]) {
  const cli = spawnCli(['serve', '--access', '--data', data, '--port', '0', '--mqtt-port', '0', ...args]);
  const [, port] = await cli.printed(/MQTT +mqtt:\/\/127\.0\.0\.1:(\d+)/);
  return { cli, port: Number(port), url: `mqtt://127.0.0.1:${port}` };
}

export const tokenOf = async (data: string, ...args: string[]) =>
  (await run(['token', ...args, '--data', data])).stdout;
