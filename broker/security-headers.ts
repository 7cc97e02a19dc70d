/** What browsers are told about the pages: what they may load, whom they may speak to, what they may use. */
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import type { Forwarded } from './forwarded.ts';

/** How long a browser then speaks TLS only to this name, s. */
const HSTS_S = 365 * 24 * 3_600;

/** What pages use of the device (a phone that is the car: camera, position, movement), and what they never do. */
const PERMISSIONS = [
  ...['camera', 'geolocation', 'accelerometer', 'gyroscope', 'screen-wake-lock', 'fullscreen', 'gamepad'].map(
    (name) => `${name}=(self)`,
  ),
  ...['microphone', 'display-capture', 'usb', 'serial', 'hid', 'midi', 'payment'].map((name) => `${name}=()`),
].join(', ');

export interface HeaderOptions {
  /** Where pages find MQTT: a path, or a ws(s) URL. */
  mqttUrl: string;
  forwarded: Forwarded;
  /** Over TLS, whether browsers are to remember that: not where they can't verify the certificate. */
  hsts: boolean;
}

export function securityHeaders({ mqttUrl, forwarded, hsts }: HeaderOptions): RequestHandler[] {
  return [
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'"],
          mediaSrc: ["'self'", 'blob:'],
          // MQTT.js keeps its connection alive from a worker of its own, which hidden pages do not slow down.
          workerSrc: ['blob:'],
          connectSrc: mqttUrl.startsWith('/')
            ? ["'self'", (request) => webSocketOrigins(request, forwarded)]
            : ["'self'", new URL(mqttUrl).origin],
          baseUri: ["'none'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
          // Text becomes markup or code only through the page's one policy, web/policy.ts.
          requireTrustedTypesFor: ["'script'"],
          trustedTypes: ['default'],
        },
      },
      xFrameOptions: { action: 'deny' },
      // Set below, since it depends on the request.
      strictTransportSecurity: false,
    }),
    (request, response, next) => {
      response.setHeader('Permissions-Policy', PERMISSIONS);
      if (hsts && forwarded.isSecure(request)) {
        response.setHeader('Strict-Transport-Security', `max-age=${HSTS_S}`);
      }
      next();
    },
  ];
}

/** Not every browser counts WebSockets to the page's own host as 'self'. */
function webSocketOrigins(request: IncomingMessage, forwarded: Forwarded): string {
  const { host } = request.headers;
  // A policy can't name an IPv6 address; there 'self' alone has to do.
  if (!host || !/^[\w.:-]+$/.test(host)) return "'self'";
  const secure = forwarded.isSecure(request);
  if (secure !== null) return `${secure ? 'wss' : 'ws'}://${host}`;
  return `ws://${host} wss://${host}`;
}
