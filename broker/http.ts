/** The web server: the built pages, what they need to know to begin with, and health checks. */
import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import staticGzip from 'express-static-gzip';
import { type FleetAnswer, SIGN_IN_PATH } from '../shared/server-api.ts';
import { isId } from '../shared/topics.ts';
import type { Access } from './access/access.ts';
import { callerOf, demand } from './access/caller.ts';
import { entersAll, isOwnPeer, mayEnter } from './access/identity.ts';
import type { SignIn } from './access/oidc.ts';
import { type AccessRoutesOptions, accessAnswer, accessRoutes } from './access/routes.ts';
import type { Forwarded } from './forwarded.ts';
import type { IceSource } from './ice/ice-servers.ts';
import type { Metrics, SeesRoom } from './metrics.ts';
import type { Refuse } from './origins.ts';
import { securityHeaders } from './security-headers.ts';
import type { VehicleKeys } from './vehicle-keys.ts';

export interface HttpOptions {
  fleet: FleetAnswer;
  /** The vehicles' public keys as they are now; null when the fleet has no list of them. */
  vehicleKeys?: (() => VehicleKeys) | null;
  ice: IceSource;
  /** Folder with the built pages. */
  pages: string;
  /** Why the server can't serve MQTT now; null when it can. */
  notReady(): string | null;
  metrics: Metrics;
  /** What `/metrics` answers. @param sees the rooms that the caller may see; null for all */
  metricsText(sees: SeesRoom | null): Promise<string>;
  /** Null when anybody may come in. */
  access: (AccessRoutesOptions & { control: Access; signIn?: Pick<SignIn, 'name' | 'router'> | null }) | null;
  forwarded: Forwarded;
  /** Whose requests are not answered. */
  refuse: Refuse;
  /** A request failed by a fault of the server's. @param kind the same for each time that it does */
  onFailed(path: string, kind: string, reason: string): void;
  /** Over TLS, whether browsers are to remember that. */
  hsts: boolean;
}

/** Vite names these files by a hash of their content, so they never change. */
const ASSETS = 'assets';

export function createHttpApp(options: HttpOptions): Express {
  const app = express();
  const { access } = options;
  const control = access?.control ?? null;
  app.use(timed(options.metrics));
  app.set('trust proxy', options.forwarded.trust);
  app.use(securityHeaders({ ...options, mqttUrl: options.fleet.mqtt.url }));
  app.use(refusing(options.refuse));

  app.get('/healthz', (_request, response) => {
    response.json({ alive: true });
  });
  app.get('/readyz', (_request, response) => {
    const reason = options.notReady();
    response.set('Cache-Control', 'no-store');
    if (reason === null) response.json({ ready: true });
    else response.status(503).json({ ready: false, reason });
  });

  app.get('/metrics', demand(control, 'monitor', 'supervisor'), async (request, response) => {
    const caller = control && (await callerOf(control, request));
    const sees = caller && !entersAll(caller) ? (room: string) => mayEnter(caller, room) : null;
    response.set('Cache-Control', 'no-store').type(options.metrics.contentType);
    response.send(await options.metricsText(sees));
  });

  app.use('/api', (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  app.get('/api/fleet', async (request, response) => {
    const caller = control && (await callerOf(control, request));
    const known = Object.entries(options.vehicleKeys?.() ?? {});
    // Names of vehicles are for those who may see them.
    const mine = control ? known.filter(([room]) => caller && mayEnter(caller, room)) : known;
    const keys = options.vehicleKeys && Object.fromEntries(mine);
    const more = access ? { access: await accessAnswer(access.control, request, access.signIn?.name) } : {};
    response.json({ ...options.fleet, ...(keys && { keys }), ...more });
  });
  if (access) app.use('/api', accessRoutes(access.control, access));
  app.get('/api/ice', demand(control, 'vehicle', 'operator', 'supervisor'), async (request, response) => {
    const caller = control && (await callerOf(control, request));
    const { peer = caller?.sub ?? 'anonymous' } = request.query;
    if (typeof peer !== 'string' || !isId(peer))
      response.status(400).json({ error: "The peer has 1 to 32 of a-z, 0-9 and '-', and no '-' first." });
    else if (caller && !isOwnPeer(caller, peer))
      response.status(403).json({ error: `'${peer}' is not one of yours.` });
    else response.json(await options.ice.iceServers(peer));
  });
  app.use('/api', (request, response) => {
    response.status(404).json({ error: `There is no ${request.method} ${request.baseUrl}${request.path}.` });
  });

  if (access?.signIn) app.use(SIGN_IN_PATH, access.signIn.router);
  addPages(app, options.pages);

  app.use((_request, response) => {
    response.status(404).type('text').send('There is nothing here.\n');
  });
  const onError: ErrorRequestHandler = (error, request, response, next) => {
    const status = typeof error?.status === 'number' ? error.status : 500;
    if (status >= 500)
      options.onFailed(request.path, String(error?.code ?? error?.name), String(error?.message));
    if (response.headersSent) return next(error);
    const text = status >= 500 ? 'Something went wrong on the server.' : 'The request is not valid.';
    response.status(status);
    if (request.path.startsWith('/api/')) response.json({ error: text });
    else response.type('text').send(`${text}\n`);
  };
  app.use(onError);
  return app;
}

function refusing(refuse: Refuse): RequestHandler {
  return (request, response, next) => {
    const refusal = refuse(request);
    if (!refusal) return next();
    response.status(refusal.status).set('Cache-Control', 'no-store');
    if (request.path.startsWith('/api/')) response.json({ error: refusal.text });
    else response.type('text').send(`${refusal.text}\n`);
  };
}

/** Routes that metrics tell apart; everything else is `other`. */
const ROUTES = [
  '/healthz',
  '/readyz',
  '/metrics',
  '/api/fleet',
  '/api/ice',
  '/api/session',
  '/api/token',
  SIGN_IN_PATH,
  `${SIGN_IN_PATH}/callback`,
];
const METHODS = ['GET', 'HEAD', 'POST', 'DELETE'];

function timed({ http }: Metrics): RequestHandler {
  return ({ path, method }, response, next) => {
    const end = http.startTimer();
    response.on('finish', () => {
      const known = ROUTES.includes(path) ? path : undefined;
      const page =
        path === '/' || path === '/timeline' || path === '/join' || /^\/(rooms|vehicle)\//.test(path)
          ? 'page'
          : undefined;
      const asset = path.startsWith(`/${ASSETS}/`) ? 'asset' : undefined;
      end({
        route: known ?? page ?? asset ?? 'other',
        method: METHODS.includes(method) ? method : 'other',
        status: `${Math.floor(response.statusCode / 100)}xx`,
      });
    });
    next();
  };
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** One page for all: fleet, operators, phones that are a vehicle, timelines; it looks at its own address. */
function addPages(app: Express, pages: string): void {
  const index = join(pages, 'index.html');
  const sendPage = (response: Response, status: number) => {
    response.set('Cache-Control', 'no-cache');
    // Looked at for each request, so that a build while the server runs is picked up.
    if (existsSync(index))
      response.status(status).sendFile('index.html', { root: pages, cacheControl: false });
    else response.status(503).type('text').send('The pages are not built yet: run npm run build.\n');
  };
  app.get(
    ['/', '/rooms/:room', '/vehicle/:room', '/timeline', '/join'],
    (request: Request<{ room?: string }>, response, next) => {
      const { room } = request.params;
      if (room !== undefined && !isId(room)) return next();
      sendPage(response, 200);
    },
  );
  const assets = join(pages, ASSETS) + sep;
  // A path that is none would be answered by the next in words of its own.
  app.use(({ path }, _response, next) => next(isDecodable(path) ? undefined : { status: 400 }));
  app.use(
    // As the build has compressed them: answers that hold a token are never compressed (BREACH).
    staticGzip(pages, {
      enableBrotli: true,
      orderPreference: ['br', 'gzip'],
      index: false,
      serveStatic: {
        redirect: false,
        setHeaders(response, path) {
          const immutable = path.startsWith(assets);
          response.setHeader('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
        },
      },
    }),
  );
  // A person with a wrong address gets the page that says so; a program gets one line.
  app.use((request, response, next) => {
    if (request.method !== 'GET' || request.accepts(['text', 'html']) !== 'html') return next();
    sendPage(response, 404);
  });
}
