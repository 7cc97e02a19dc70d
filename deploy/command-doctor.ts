/** `plntry doctor`: what works from this machine, and what is missing. */
import { Command, Option } from 'commander';
import { allPrintable, printableJson } from '../shared/printable.ts';
import type { IceServer } from '../shared/server-api.ts';
import type { DoctorReport } from '../vehicle/doctor/findings.ts';
import { tokenFileOption, tokenOf } from './access-options.ts';
import { trustAuthorities } from './client-tls.ts';
import { ICE_HELP, iceSetup } from './ice-options.ts';
import { iceServersOf, option, urlOf } from './options.ts';
import { addTlsCaOption, type ClientTlsFlags } from './tls-options.ts';

export interface DoctorFlags extends ClientTlsFlags {
  broker?: string;
  server?: string;
  iceServers?: IceServer[];
  tokenFile?: string;
  json?: boolean;
}

/** Looked at when nothing is given: what `plntry start` starts. */
const LOCAL_BROKER = 'mqtt://127.0.0.1:1883';
const LOCAL_SERVER = 'http://127.0.0.1:8080';
/** What has not answered by then doesn't answer, ms. */
const LIMIT_MS = 9_500;
/** For giving back what servers have given, after Ctrl-C, ms. */
const LEAVE_MS = 500;
/** Between two dots, ms. */
const PROGRESS_MS = 500;

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('Look at what works from this machine: broker, pages, STUN and TURN.')
    .addOption(option('--broker <url>', 'MQTT broker', urlOf('--broker', ['mqtt', 'mqtts', 'ws', 'wss'])))
    .addOption(
      option(
        '--server <url>',
        'plntry server, and its STUN and TURN servers',
        urlOf('--server', ['http', 'https']),
      ),
    )
    .addOption(
      option(
        '--ice-servers <json>',
        'STUN and TURN servers, a list of RTCIceServer, beside those below; instead of those of --server',
        iceServersOf('--ice-servers'),
      ),
    )
    .addOption(tokenFileOption())
    .addOption(new Option('--json', 'print it as JSON (docs/doctor.md)'));
  return addTlsCaOption(command)
    .addHelpText(
      'after',
      `
Exit status: 0 all works; 1 it works, but not from everywhere, or with a warning; 2 it does not work, or an
option is wrong (then nothing is printed on the standard output).

Examples:
  plntry doctor                                       what 'plntry start' has started here
  plntry doctor --server https://fleet.example.org    for somebody who drives from here
  plntry doctor --broker mqtts://broker.example.org --server https://fleet.example.org
                                                      for a vehicle here
  plntry doctor --server https://fleet.example.org --token-file car1.token
                                                      where only who has a token is let in
${ICE_HELP}`,
    )
    .action(async (flags: DoctorFlags) => {
      const [{ examine }, { diagnose }, { STATUS_EXIT }, { inWords }] = await Promise.all([
        import('../vehicle/doctor/examine.ts'),
        import('../vehicle/doctor/diagnosis.ts'),
        import('../vehicle/doctor/findings.ts'),
        import('../vehicle/doctor/words.ts'),
      ]);
      trustAuthorities(flags);
      const subject = await subjectOf(flags);
      const stop = listenForInterrupt();
      const startedAt = performance.now();
      const endProgress = showProgress(flags.json === true);
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(LIMIT_MS)]);
      const findings = await examine(subject, signal);
      endProgress();
      if (stop.signal.aborted) return stop.die();
      const ms = Math.round(performance.now() - startedAt);
      const report: DoctorReport = { v: 1, ts: Date.now(), ms, diagnosis: diagnose(findings), findings };
      const text = flags.json
        ? `${printableJson(JSON.stringify(report, null, 2))}\n`
        : inWords(allPrintable(report));
      process.exitCode = STATUS_EXIT[report.diagnosis.status];
      process.stdout.write(text, () => process.exit());
    });
}

async function subjectOf(flags: DoctorFlags) {
  const { broker, server } = flags;
  const own = iceSetup(flags.iceServers);
  const token = tokenOf(flags, process.env);
  if (own.providers.length === 0) {
    if (broker || server) return { broker, server, token };
    return { broker: LOCAL_BROKER, server: LOCAL_SERVER, token };
  }
  const [{ createIceServers }, { systemClock }] = await Promise.all([
    import('../broker/ice/ice-servers.ts'),
    import('../shared/clock.ts'),
  ]);
  const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
  const source = createIceServers(own, systemClock, quiet);
  return { broker, server, token, iceServers: () => source.iceServers('doctor') };
}

/** A first Ctrl-C gives back what servers have given; whatever happens then, the process dies of it. */
function listenForInterrupt() {
  const controller = new AbortController();
  const die = () => {
    process.removeAllListeners('SIGINT');
    process.kill(process.pid, 'SIGINT');
  };
  process.once('SIGINT', () => {
    controller.abort();
    setTimeout(die, LEAVE_MS);
  });
  return { signal: controller.signal, die };
}

/** Dots for people who wait, on the standard error. @returns what takes them away */
function showProgress(quiet: boolean): () => void {
  if (quiet || !process.stderr.isTTY) return () => {};
  process.stderr.write('Asking around ');
  const timer = setInterval(() => process.stderr.write('.'), PROGRESS_MS);
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\x1b[K');
  };
}
