/** What somebody sees whose sign-in failed: one sentence, and the way on; for a program the sentence alone. */
import { createHash } from 'node:crypto';
import type { Response } from 'express';

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  :root { color: light-dark(#12181a, #eceee8); background: light-dark(#e6e8e1, #0c0f10) }
  main { max-width: 40rem; margin: auto; padding: max(1.5rem, 20vh) 1rem 1.5rem; box-sizing: border-box }
  strong { font-size: 1.625rem; font-weight: 600; line-height: 1; letter-spacing: -0.02em }
  section { margin-top: 1.5rem; padding: 1.5rem; border: 1px solid light-dark(#b9bdb4, #333a3c); border-radius: 3px }
  section { background: light-dark(#f5f6f1, #161b1d) }
  h1 { margin: 0; font-size: 1.625rem; line-height: 1.2 }
  p { margin: 0.5rem 0 1.5rem }
  a { display: inline-block; margin: 0 0.5rem 0.5rem 0; padding: 0.6rem 1rem; border: 1px solid; border-radius: 3px }
  a { color: inherit; text-decoration: none }
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
  title = 'You are not signed in',
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
  <strong>plntry</strong>
  <section>
    <h1>${escaped(title)}</h1>
    <p>${escaped(sentence)}</p>
    ${anchors.join('\n    ')}
  </section>
</main>
</html>
`);
}
