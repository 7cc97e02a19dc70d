/** What tests look for on a page. */
import type { Page } from 'playwright-core';

/** Resolves when the picture is live. */
export async function live(page: Page): Promise<void> {
  await page.locator('video[data-live="true"]').waitFor();
}

/** What stands on the console over a picture that isn't live. */
export const sentenceOf = (page: Page) => page.getByRole('heading', { level: 1 });

/** Resolves when a later picture differs from the one that is shown now. */
export async function picturesChange(page: Page): Promise<void> {
  await page.locator('video').evaluate(async (video: HTMLVideoElement) => {
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no canvas');
    const next = () => new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const pixels = () => {
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      context.drawImage(video, 0, 0);
      return context.getImageData(0, 0, canvas.width, canvas.height).data;
    };
    const first = pixels();
    for (;;) {
      await next();
      const now = pixels();
      if (now.some((value, index) => Math.abs(value - (first[index] ?? 0)) > 32)) return;
    }
  });
}

/** Resolves when the number that the element shows makes the condition true. */
export async function untilNumber(
  page: Page,
  label: string,
  condition: (value: number) => boolean,
): Promise<number> {
  const shown = page.getByLabel(label, { exact: true });
  for (;;) {
    const value = Number.parseFloat((await shown.textContent()) ?? '');
    if (condition(value)) return value;
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

/**
 * Holds the throttle until the car is at least this fast, km/h, as a driver does: who lets go of it and presses
 * it anew when the page asks for that. It is still held then.
 */
export async function driveUntil(page: Page, kmh: number): Promise<number> {
  const asked = page.getByText('et go of the throttle');
  const fast = untilNumber(page, 'Speed', (shown) => shown >= kmh);
  for (;;) {
    await page.keyboard.down('KeyW');
    const heldBack = asked.first().waitFor({ timeout: 0 });
    heldBack.catch(() => {});
    const outcome = await Promise.race([fast, heldBack]);
    if (typeof outcome === 'number') return outcome;
    await page.keyboard.up('KeyW');
    await asked.first().waitFor({ state: 'hidden' });
  }
}
