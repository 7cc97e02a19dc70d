/** The benchmark's probe: its script for the page, and what it tells. */
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';

/** What the probe has seen; times are ms on the page's `performance.now()`. */
export interface Seen {
  clickAt: number | null;
  channelAt: number | null;
  firstFrameAt: number | null;
  /** Of commands, ms. */
  roundTrips: number[];
  /** Whether pixels are read. */
  reading: boolean;
  /** From the capture of a picture to its being handed to the screen, ms. */
  glassToGlass: number[];
}

declare global {
  /** In the page. */
  var seen: Seen;
}

/** The script, for Playwright's `addInitScript`. */
export async function probeScript(): Promise<string> {
  const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');
  const timecode = stripTypeScriptTypes(await read('../../shared/timecode.ts')).replaceAll('export ', '');
  return `(() => {\n${timecode}\n${await read('./probe-page.js')}\n})();`;
}
