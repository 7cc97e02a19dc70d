/**
 * The one way in which text becomes markup or code on these pages (Trusted Types, under the server's content security
 * policy): what libraries need, and nothing that could carry a script. Imported before everything else.
 */

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
