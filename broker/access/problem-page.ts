/** What somebody sees whose sign-in failed: one sentence, and the way on; for a program the sentence alone. */
import type { Response } from 'express';

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
  response.type('html').send(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in</title>
<style>
  :root { color-scheme: light dark; font: 1.25rem/1.5 system-ui, sans-serif }
  main { max-width: 36rem; margin: 20vh auto; padding: 0 1rem }
  a { color: inherit; margin-right: 1.5rem }
</style>
<main>
  <h1>You are not signed in</h1>
  <p>${escaped(sentence)}</p>
  <p>${anchors.join('\n  ')}</p>
</main>
</html>
`);
}
