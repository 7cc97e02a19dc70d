/** The server under attack: a process of its own with access control, tokens for it, and its log. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIssuer } from '../../broker/access/issue.ts';
import { accessFolder, openSecret } from '../../broker/access/secret.ts';
import { type Audience, createTokens, type Grant, newId } from '../../broker/access/tokens.ts';
import type { Role } from '../../shared/roles.ts';
import { startCli } from '../helpers/process.ts';
import { createServerLog, type ServerLog } from './server-log.ts';

const HOUR_S = 3_600;
/** Attackers come from addresses of their own, since limits count by address (Linux has all of 127/8). */
const ATTACKERS = '127.66';

export interface Target {
  pid: number;
  /** http:// and mqtt:// */
  webUrl: string;
  mqttUrl: string;
  /** Where its debugger listens; only this machine reaches it. */
  inspectorUrl: string;
  log: ServerLog;
  /** The address that the attack that runs comes from. */
  from: string;
  /** Ids that the attacker may have tokens for: of an operator, and of a vehicle, whose room it is. */
  operator: string;
  car: string;
  /** Whether it still runs. */
  lives(): boolean;
  /** Every attack comes from another address than those before, and by other ids. */
  nextAttacker(): void;
  /** A token that `plntry token` could have made. */
  token(sub: string, role: Role, rooms: string[]): Promise<string>;
  invitation(role: Role, rooms: string[], uses?: number): Promise<string>;
  /** A token with whatever the attacker wants in it, signed by the server itself or with another secret. */
  forged(audience: Audience, grant: Partial<Grant>, secret?: Uint8Array): Promise<string>;
  stop(): Promise<void>;
}

/** @param more options of `plntry serve` */
export async function startTarget(more: string[] = []): Promise<Target> {
  const data = mkdtempSync(join(tmpdir(), 'plntry-attack-'));
  const log = createServerLog();
  const options = ['--access', '--port', '0', '--mqtt-port', '0', '--data', data];
  // The debugger is how its garbage is collected before its memory is looked at.
  const environment = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };
  const cli = startCli(['serve', ...options, ...more], environment, log.take);
  let alive = true;
  void cli.ended.then(() => {
    alive = false;
    log.take('\n');
  });
  const ended = cli.ended.then(({ status }) => {
    throw new Error(`the server ended with ${status}:\n${cli.stdout()}\n${log.text()}`);
  });
  const ready = await Promise.race([log.saying(/^server is ready/), ended]);
  ended.catch(() => {});

  const folder = accessFolder(data);
  const now = () => Math.floor(Date.now() / 1_000);
  const tokens = createTokens(openSecret(folder), 'rooms', now);
  const issuer = createIssuer(tokens, folder, now);
  let attacker = 0;

  const target: Target = {
    pid: cli.pid,
    webUrl: String(ready.fields.webUrl),
    mqttUrl: String(ready.fields.mqttUrl),
    inspectorUrl: /ws:\/\/\S+/.exec(log.text())?.[0] ?? '',
    log,
    from: `${ATTACKERS}.0.1`,
    operator: 'op-x',
    car: 'x',
    lives: () => alive,
    nextAttacker() {
      attacker += 1;
      target.from = `${ATTACKERS}.${attacker}.1`;
      target.operator = `op-x${attacker}`;
      target.car = `x${attacker}`;
    },
    async token(sub, role, rooms) {
      return (await issuer.token(sub, { role, rooms, forS: HOUR_S })).text;
    },
    async invitation(role, rooms, uses = 1) {
      return (await issuer.invitation({ role, rooms, forS: HOUR_S, uses })).text;
    },
    forged(audience, grant, secret) {
      const issued = now();
      const [expires, until] = [issued + HOUR_S, issued + HOUR_S];
      const whole = { id: newId(), sub: 'car1', role: 'vehicle' as const, rooms: ['car1'], from: [], issued };
      const maker = secret ? createTokens(secret, 'rooms', now) : tokens;
      return maker.issue(audience, { ...whole, expires, until, ...grant });
    },
    async stop() {
      cli.kill('SIGTERM');
      await cli.ended;
      await cli.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
  return target;
}
