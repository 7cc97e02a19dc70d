/** What somebody sees whose sign-in failed: one sentence, and the way on; for a program the sentence alone. */
import { createHash } from 'node:crypto';
import type { Response } from 'express';

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  :root { color: light-dark(#12181a, #eceee8); background: light-dark(#e6e8e1, #0c0f10) }
  main { max-width: 40rem; margin: 30vh auto 0; padding: 0 1.5rem }
  h1 { font-size: 1.625rem; line-height: 1.2 }
  a { display: inline-block; color: inherit; padding: 0.5rem 1.5rem 0.5rem 0 }
`;
/** Nothing but this style: what the page repeats of others could do nothing if it were not escaped. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');

/** @param links where to go from there, by what they say */
export function sendProblem(
  response: Response,
  status: number,
  sentence: string,
  links: Record<string, string>,
): void {
  response.status(status).set('Cache-Control', 'no-store');
  if (response.req.accepts(['text', 'html']) !== 'html') {
    response.type('text').send(`${sentence}\n`);
    return;
  }
  const anchors = Object.entries(links).map(([text, to]) => `<a href="${escaped(to)}">${escaped(text)}</a>`);
  response.set('Content-Security-Policy', POLICY);
  response.type('html').send(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in</title>
<style>${STYLE}</style>
<main>
  <h1>You are not signed in</h1>
  <p>${escaped(sentence)}</p>
  <p>${anchors.join('\n  ')}</p>
</main>
</html>
`);
}
