/**
 * An internet in a box: hosts, routers and lines as network namespaces of this machine.
 *
 *     const lab = await createLab();
 *     const server = await lab.publicHost('server');
 *     const car = await lab.host('car', { nat: 'symmetric', link: { delayMs: 25, kbps: 4000 } });
 *     await car.exec('node', ['deploy/plntry.ts', 'doctor', '--broker', `mqtt://${server.address}`]);
 *     await car.link.set({ kbps: 800 });
 *     await lab.close();
 *
 * Every host has one line to the internet, which routes by address. Public addresses are of the ranges
 * for documentation (RFC 5737), those behind a router are 10.x.0.y.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { CHROMIUM } from '../helpers/chromium.ts';
import { connect, type Link, type LinkQuality } from './link.ts';
import { createNamespace, type Namespace, PATH } from './namespace.ts';
import { applyNat, type NatKind } from './nat.ts';

export type { Link, LinkQuality, NatKind };

/** The internet's end of every line (RFC 2544's range). */
const GATEWAY = '198.18.0.1';

/** Debian's: util-linux, iproute2, iptables, conntrack, coturn, openssl, python3. */
const PROGRAMS = 'unshare nsenter setpriv ip iptables conntrack turnserver openssl python3 chromium'.split(
  ' ',
);

export interface Host extends Pick<Namespace, 'exec' | 'spawn' | 'must' | 'processes'> {
  name: string;
  /** For files of what runs here; goes with the lab. */
  folder: string;
  /** Its own address, the first one; behind a router a private one. */
  readonly address: string;
  readonly addresses: string[];
  /** How the internet sees it. */
  readonly publicAddress: string;
  /** Its line to the internet; behind a router, the router's. */
  link: Link;
  /** Its own address is replaced by another one. */
  changeAddress(): Promise<void>;
  /** The router, null without one. */
  router: Router | null;
  /** Debian's Chromium, in there. */
  chromium(args?: string[]): Promise<Browser>;
}

export interface Router {
  /** Its public address is replaced by another one, and with it every mapping. */
  changeAddress(): Promise<void>;
  /** It forgets its mappings, and gives other ports from now on. */
  rebind(): Promise<void>;
}

export interface HostOptions {
  nat: NatKind;
  /** A line with this quality, which can be changed; else one that is as fast as the machine. */
  link?: LinkQuality;
}

export interface Lab {
  /** For files; goes with the lab. */
  folder: string;
  /** @param options.addresses how many, 1 unless given */
  publicHost(name: string, options?: { addresses?: number; link?: LinkQuality }): Promise<Host>;
  host(name: string, options: HostOptions): Promise<Host>;
  close(): Promise<void>;
}

/** Why there can be no lab here; null when there can. */
export function canRunLab(): string | null {
  if (process.platform !== 'linux') return `network namespaces are Linux's, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const folders = PATH.split(delimiter);
  const missing = PROGRAMS.filter((program) => !folders.some((folder) => existsSync(join(folder, program))));
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return '/dev/net/tun can’t be opened';
  }
  const trial = `ip link add veth0 type veth peer name veth1 && ip tuntap add dev tun0 mode tun &&
    iptables -t nat -A POSTROUTING -o veth0 -j MASQUERADE --random-fully &&
    iptables -A INPUT -m conntrack --ctstate NEW -j DROP`;
  const { status, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', trial], {
    encoding: 'utf8',
    env: { ...process.env, PATH },
  });
  return status === 0 ? null : `the kernel refuses: ${stderr.trim().split('\n').at(-1)}`;
}

export async function createLab(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'plntry-lab-'));
  const namespaces: Namespace[] = [];
  const browsers: Browser[] = [];
  const namespace = async () => {
    const made = await createNamespace();
    namespaces.push(made);
    return made;
  };
  const internet = await namespace();
  const counts = { lines: 0, servers: 0, customers: 0 };
  const serverAddress = () => `198.51.100.${++counts.servers}`;
  const customerAddress = () => `203.0.113.${++counts.customers}`;

  /** Connects a namespace to the internet, and can give it other addresses. */
  async function line(inner: Namespace, innerName: string, quality?: LinkQuality) {
    const outerName = `line${++counts.lines}`;
    const link = await connect({ inner, innerName, outer: internet, outerName }, quality);
    await internet.ip(`addr add ${GATEWAY}/32 dev ${outerName}`);
    let addresses: string[] = [];
    return {
      link,
      addresses: () => addresses,
      async readdress(next: string[]) {
        await internet.ip(
          ...addresses.map((address) => `route del ${address}/32 dev ${outerName}`),
          ...next.map((address) => `route add ${address}/32 dev ${outerName}`),
        );
        await inner.ip(
          ...addresses.map((address) => `addr del ${address}/32 dev ${innerName}`),
          ...next.map((address) => `addr add ${address}/32 dev ${innerName}`),
          `route replace default via ${GATEWAY} dev ${innerName} onlink`,
        );
        addresses = next;
      },
    };
  }

  /** Debian's Chromium in a namespace: a program that Playwright starts and talks to by pipe. */
  async function browserIn(inner: Namespace, args: string[]): Promise<Browser> {
    const executablePath = join(folder, `chromium-${inner.pid}`);
    const [program, all] = inner.enter(CHROMIUM.executablePath);
    await writeFile(executablePath, `#!/bin/sh\nexec ${program} ${all.join(' ')} "$@"\n`, { mode: 0o755 });
    const browser = await chromium.launch({ executablePath, args: [...CHROMIUM.args, ...args] });
    browsers.push(browser);
    return browser;
  }

  const parts = (name: string, inner: Namespace) => ({
    name,
    folder,
    exec: inner.exec,
    spawn: inner.spawn,
    must: inner.must,
    processes: inner.processes,
    chromium: (args: string[] = []) => browserIn(inner, args),
  });

  async function direct(
    name: string,
    wanted: string[],
    another: () => string,
    quality?: LinkQuality,
  ): Promise<Host> {
    const inner = await namespace();
    const { link, addresses, readdress } = await line(inner, 'eth0', quality);
    await readdress(wanted);
    return {
      ...parts(name, inner),
      link,
      router: null,
      get address() {
        return addresses()[0] as string;
      },
      get publicAddress() {
        return addresses()[0] as string;
      },
      get addresses() {
        return addresses();
      },
      changeAddress: () => readdress(addresses().map(another)),
    };
  }

  async function natted(name: string, { nat, link: quality }: HostOptions): Promise<Host> {
    const [gateway, inner] = await Promise.all([namespace(), namespace()]);
    const { link, addresses, readdress } = await line(gateway, 'wan', quality);
    await readdress([customerAddress()]);
    const network = `10.${counts.lines}.0`;
    let last = 2;
    await gateway.ip(
      `link add lan type veth peer name eth0 netns ${inner.pid}`,
      'link set lan up',
      `addr add ${network}.1/24 dev lan`,
    );
    const join = [`addr add ${network}.${last}/24 dev eth0`, `route add default via ${network}.1`];
    await inner.ip('link set eth0 up', ...join);
    await applyNat(gateway, nat);
    let rebound = 0;
    const address = () => `${network}.${last}`;
    return {
      ...parts(name, inner),
      link,
      get address() {
        return address();
      },
      get addresses() {
        return [address()];
      },
      get publicAddress() {
        return addresses()[0] as string;
      },
      async changeAddress() {
        const old = address();
        last++;
        await inner.ip(
          `addr del ${old}/24 dev eth0`,
          `addr add ${address()}/24 dev eth0`,
          `route replace default via ${network}.1`,
        );
      },
      router: {
        changeAddress: () => readdress([customerAddress()]),
        async rebind() {
          await applyNat(gateway, nat, ++rebound);
          await gateway.must('conntrack', ['-F']);
        },
      },
    };
  }

  return {
    folder,
    publicHost(name, { addresses = 1, link } = {}) {
      return direct(name, Array.from({ length: addresses }, serverAddress), serverAddress, link);
    },
    host: (name, options) =>
      options.nat === 'none'
        ? direct(name, [customerAddress()], customerAddress, options.link)
        : natted(name, options),
    async close() {
      await Promise.allSettled(browsers.map((browser) => browser.close()));
      // Those that others lead to come last.
      for (const each of namespaces.reverse()) await each.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
