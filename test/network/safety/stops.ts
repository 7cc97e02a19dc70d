/** What ends the flow of commands, one way or the other: the car has to stop. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CDPSession } from 'playwright-core';
import type { Driving } from './drive.ts';
import { type SafetyFault, stopping } from './faults.ts';
import { appliedAfter } from './figures.ts';

const NODE = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url));
const BLOCK = fileURLToPath(new URL('./block-event-loop.js', import.meta.url));
const BLOCKED_MS = 2_000;
const HELD_MS = 3_000;
/** Whoever held the throttle through it holds it so much longer, and nothing may move, ms. */
const STILL_HELD_MS = 500;

/** What is sent so long before a block ends may come after it, as the path takes some time, ms. */
const UNDER_WAY_MS = 100;
/** When what was held back was let go, by the time of the fault; both in ms since the epoch. */
const heldUntil = new Map<number, number>();

/** What froze the tab can wake it. */
const frozen = new WeakMap<Driving, CDPSession>();

/** Now, and then the fault. */
async function at(strike: () => unknown): Promise<number> {
  const now = Date.now();
  await strike();
  return now;
}

/** @param only processes that were started with this argument */
function signalBrowser({ office }: Driving, signal: NodeJS.Signals, only = ''): void {
  // All that runs there is the browser, with its processes.
  for (const pid of office.processes()) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(only)) process.kill(pid, signal);
    } catch {
      // It has ended with another one.
    }
  }
}

/** The page is there again, and the throttle is held. */
async function stillHeld({ console }: Driving): Promise<void> {
  await console.live();
  await sleep(STILL_HELD_MS);
}

/** The vehicle knows that nobody drives any more. */
const nobodyDrives = ({ heard }: Driving) => heard.message(/\/lease$/, ({ holder }) => holder === null);

const forgetHeard = ({ heard }: Driving) => {
  heard.heard.length = 0;
};

/** None of what was sent in that time may have moved the car. */
function noneSentBetween(trace: Parameters<typeof appliedAfter>[0], from: number, to: number): string[] {
  const applied = appliedAfter(trace, from).filter(({ sentAt }) => sentAt > from && sentAt < to);
  return applied.length > 0 ? [`${applied.length} commands were applied that had been held back`] : [];
}

export const STOPS: SafetyFault[] = [
  stopping('operator’s tab closed', {
    strike(driving) {
      forgetHeard(driving);
      return at(() => driving.console.page.close());
    },
    async mend(driving) {
      await driving.console.close();
      await nobodyDrives(driving);
      await driving.newTab();
    },
  }),
  stopping('tab frozen (CDP)', {
    // Not by Page.setWebLifecycleState, which headless Chromium 156 takes and heeds for no page, but by the debugger:
    // nothing runs in the page from its next timer on.
    async strike(driving) {
      const { page } = driving.console;
      const cdp = await page.context().newCDPSession(page);
      await cdp.send('Debugger.enable');
      const paused = new Promise((resolve) => cdp.once('Debugger.paused', resolve));
      frozen.set(driving, cdp);
      return at(async () => {
        await cdp.send('Debugger.pause');
        await paused;
      });
    },
    async mend(driving) {
      const cdp = frozen.get(driving);
      // By itself `disable` has left a page standing, on a busy machine.
      await cdp?.send('Debugger.resume').catch(() => {});
      await cdp?.send('Debugger.disable');
      await cdp?.detach();
      await stillHeld(driving);
    },
  }),
  stopping('tab stopped (SIGSTOP of its process)', {
    strike: (driving) => at(() => signalBrowser(driving, 'SIGSTOP', '--type=renderer')),
    async mend(driving) {
      signalBrowser(driving, 'SIGCONT', '--type=renderer');
      await stillHeld(driving);
    },
  }),
  stopping('Chromium stopped (SIGSTOP)', {
    strike: (driving) => at(() => signalBrowser(driving, 'SIGSTOP')),
    async mend(driving) {
      signalBrowser(driving, 'SIGCONT');
      await stillHeld(driving);
    },
  }),
  stopping('Chromium killed (-9)', {
    strike(driving) {
      forgetHeard(driving);
      return at(() => signalBrowser(driving, 'SIGKILL'));
    },
    async mend(driving) {
      await nobodyDrives(driving);
      await driving.newBrowser();
    },
  }),
  stopping('operator’s network cut', {
    strike: ({ office }) => at(() => office.link.cut()),
    async mend(driving) {
      await driving.office.link.restore();
      await stillHeld(driving);
    },
  }),
  stopping('vehicle’s network cut', {
    strike: ({ garage }) => at(() => garage.link.cut()),
    async mend(driving) {
      await driving.garage.link.restore();
      await stillHeld(driving);
    },
  }),
  stopping('agent stopped (SIGSTOP)', {
    strike: ({ vehicle }) => at(() => process.kill(vehicle.pid, 'SIGSTOP')),
    async mend(driving) {
      process.kill(driving.vehicle.pid, 'SIGCONT');
      await stillHeld(driving);
    },
  }),
  stopping('agent killed (-9)', {
    strike: ({ vehicle }) => at(() => process.kill(vehicle.pid, 'SIGKILL')),
    mend: (driving) => driving.newVehicle(),
  }),
  stopping('agent’s event loop blocked for 2 s', {
    async strike({ garage, vehicle }) {
      // Of this process only: a variable would be the car's too.
      process.kill(vehicle.pid, 'SIGUSR1');
      const { status, stdout, stderr } = await garage.exec(NODE, [BLOCK, String(BLOCKED_MS)]);
      if (status !== 0) throw new Error(`the event loop could not be blocked: ${stderr}`);
      return Number(stdout);
    },
    mend: stillHeld,
    check: (trace, struckAt) => noneSentBetween(trace, struckAt, struckAt + BLOCKED_MS - UNDER_WAY_MS),
  }),
  stopping('commands held back for 3 s', {
    strike: ({ office }) => at(() => office.link.hold()),
    async mend(driving, struckAt) {
      await sleep(Math.max(0, struckAt + HELD_MS - Date.now()));
      heldUntil.set(struckAt, Date.now());
      await driving.office.link.letGo();
      await stillHeld(driving);
    },
    check: (trace, struckAt) =>
      noneSentBetween(trace, struckAt, heldUntil.get(struckAt) ?? Number.POSITIVE_INFINITY),
  }),
];
