/**
 * What lets these pages live under a strict content security policy: no code is made from text, and text becomes
 * markup or code in one way only (Trusted Types), which is for what libraries need and carries no script.
 * Imported before everything else.
 */
import * as z from 'zod/mini';

// Otherwise zod tries out whether it may generate code, which the browser reports as an attempt.
z.config({ jitless: true });

/** Leaflet tries out with this whether the browser knows SVG. */
const PROBE = '<svg/>';

interface Policies {
  createPolicy(name: string, rules: Record<string, (text: string) => string | null>): unknown;
}

const { trustedTypes } = globalThis as { trustedTypes?: Policies };

trustedTypes?.createPolicy('default', {
  // Leaflet writes numbers and signs this way.
  createHTML: (text) => (text === PROBE || !/[<&]/.test(text) ? text : null),
  // MQTT.js makes the worker of its keepalive from its own text.
  createScriptURL: (url) => (url.startsWith('blob:') ? url : null),
});
