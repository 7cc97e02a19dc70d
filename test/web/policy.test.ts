/** The content security policy in a real browser: all pages work under it, and what is injected does not. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { keepSelfMade } from '../../broker/tls/self-made.ts';
import { invitationLink } from '../../deploy/access-options.ts';
import { testFolder } from '../helpers/certificates.ts';
import { eventually } from '../helpers/eventually.ts';
import { testVehicle } from '../helpers/room.ts';
import { live, usePages } from './browser.ts';

const pages = usePages();

interface Violation {
  directive: string;
  blocked: string;
  sample: string;
}

/** Where no page may connect to. */
const ELSEWHERE = 'https://elsewhere.invalid/';

/** A page that keeps what its policy has refused, over all addresses that it visits. */
async function watchedPage(options: Parameters<typeof pages.open>[1] = {}) {
  const page = await pages.open('about:blank', options);
  const refused: Violation[] = [];
  const watchers = new Set<() => void>();
  await page.exposeFunction('keepViolation', (violation: Violation) => {
    refused.push(violation);
    for (const watcher of [...watchers]) watcher();
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sample }) => {
      const violation = { directive: effectiveDirective, blocked: blockedURI, sample };
      void (window as unknown as { keepViolation(kept: Violation): void }).keepViolation(violation);
    });
  });
  return {
    page,
    /** All until now: something is asked for that must be refused, and comes last. */
    async refused(): Promise<Violation[]> {
      await page.evaluate((url) => void fetch(url).catch(() => {}), ELSEWHERE);
      const last = () => refused.findIndex(({ blocked }) => blocked.startsWith(ELSEWHERE));
      const found = () => (last() < 0 ? undefined : refused.slice(0, last()));
      return eventually(watchers, found, () => 'nothing was refused that had to be');
    },
  };
}

/** Every page, doing what it does. */
async function visitAll(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByRole('link', { name: /\bcar1\b/ }).click();
  await live(page);
  const details = page.getByRole('button', { name: '‹ Details' });
  if (await details.isVisible()) await details.click();
  // Leaflet: with its grid, the car, and the two buttons.
  await page.locator('.map .map-car').waitFor();
  await page.locator('.map').getByRole('button', { name: 'Zoom in' }).click();
  // uPlot: latency over time.
  await page.locator('.uplot').first().waitFor();
  await page.goto(`${url}/vehicle/phone1`);
  await page.getByRole('button', { name: /start/i }).click();
  await page
    .getByRole('button', { name: /leave|stop/i })
    .first()
    .waitFor();
  await page.goto(`${url}/timeline`);
  await page.getByRole('heading', { name: 'Timeline', exact: true }).waitFor();
  await page.goto(`${url}/no/such/page`);
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
}

test('all pages work, and none asks for anything that it may not have', async () => {
  const server = await pages.server();
  await testVehicle(server.mqttUrl);
  const { page, refused } = await watchedPage({ viewport: { width: 1400, height: 900 } });
  await visitAll(page, server.webUrl);
  expect(await refused()).toEqual([]);
});

test('the same over https and wss, with a certificate that the server has made itself', async () => {
  const { files } = await keepSelfMade(testFolder(), ['127.0.0.1']);
  const server = await pages.server({ tls: { ...files, hsts: false }, mqttsPort: 0 });
  await testVehicle(server.mqttUrl);
  const { page, refused } = await watchedPage({
    ignoreHTTPSErrors: true,
    viewport: { width: 1400, height: 900 },
  });
  await visitAll(page, server.webUrl);
  expect(await refused()).toEqual([]);
  expect(await page.evaluate(() => isSecureContext)).toBe(true);
});

test('a phone becomes the car and somebody drives it, both by invitation, over https', async () => {
  const { files } = await keepSelfMade(testFolder(), ['127.0.0.1']);
  const server = await pages.server({
    tls: { ...files, hsts: false },
    mqttsPort: 0,
    access: { data: testFolder() },
  });
  const comeIn = async (role: 'vehicle' | 'operator', room: string) => {
    const { page, refused } = await watchedPage({ ignoreHTTPSErrors: true });
    const invited = { role, rooms: [room], forS: 3_600, uses: 1 };
    const invitation = await server.access?.issuer.invitation(invited);
    await page.goto(invitationLink(server.webUrl, invitation?.text ?? ''));
    await page.getByRole('button', { name: 'Come in' }).click();
    return { page, refused };
  };
  const phone = await comeIn('vehicle', 'phone1');
  await phone.page.getByRole('button', { name: /start/i }).click();
  const operator = await comeIn('operator', '*');
  await operator.page.getByRole('link', { name: /\bphone1\b/ }).click();
  await live(operator.page);
  expect([await phone.refused(), await operator.refused()]).toEqual([[], []]);
});

test('a script that somebody got into the page does not run, whichever way it came in', async () => {
  const server = await pages.server();
  const { page, refused } = await watchedPage();
  await page.route(server.webUrl, async (route) => {
    const response = await route.fetch();
    const injected =
      '<body><script>window.got = "inline"</script><img src="/x.png" onerror="window.got = \'handler\'">';
    await route.fulfill({ response, body: (await response.text()).replace('<body>', injected) });
  });
  const missing = page.waitForResponse('**/x.png');
  await page.goto(server.webUrl);
  await missing;
  await page.getByRole('heading', { level: 1 }).waitFor();
  const tried = await page.evaluate(async () => {
    const problem = (attempt: () => void) => {
      try {
        attempt();
        return 'it went through';
      } catch (error) {
        return (error as Error).name;
      }
    };
    const script = document.createElement('script');
    return {
      html: problem(() => {
        document.body.innerHTML = '<img src="/y.png" onerror="window.got = 1">';
      }),
      text: problem(() => {
        script.textContent = 'window.got = 2';
      }),
      source: problem(() => {
        script.src = 'https://evil.example/x.js';
      }),
      // In a turn of the page's own: what a debugger runs may do this.
      code: await new Promise((resolve) => {
        setTimeout(() => resolve(problem(() => new Function('window.got = 3')())));
      }),
      worker: problem(() => new Worker('https://evil.example/x.js')),
      got: (window as unknown as { got?: unknown }).got,
    };
  });
  expect(tried).toEqual({
    html: 'TypeError',
    text: 'TypeError',
    source: 'TypeError',
    code: 'EvalError',
    worker: 'TypeError',
  });
  const directives = (await refused()).map(({ directive }) => directive);
  expect(directives).toEqual(
    expect.arrayContaining(['script-src-elem', 'script-src-attr', 'require-trusted-types-for']),
  );
});

test('a page of another site can neither frame these pages nor open a WebSocket to them', async () => {
  const server = await pages.server();
  const other = await pages.server();
  const { page } = await watchedPage();
  // Without a policy of its own, as any other site.
  await page.route(`${other.webUrl}/evil`, (route) =>
    route.fulfill({ contentType: 'text/html', body: `<iframe src="${server.webUrl}"></iframe>` }),
  );
  await page.goto(`${other.webUrl}/evil`);
  const ended = await page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url, 'mqtt');
        socket.onopen = () => resolve('opened');
        socket.onerror = () => resolve('refused');
      }),
    `${server.webUrl.replace('http', 'ws')}/mqtt`,
  );
  expect(ended).toBe('refused');
  const [, frame] = page.frames();
  await frame?.waitForLoadState();
  expect(await frame?.locator('#app').count()).toBe(0);
});
