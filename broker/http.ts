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
import helmet from 'helmet';
import type { Log } from '../shared/log.ts';
import { type FleetAnswer, SIGN_IN_PATH } from '../shared/server-api.ts';
import { isId } from '../shared/topics.ts';
import type { Access } from './access/access.ts';
import { demand } from './access/caller.ts';
import type { SignIn } from './access/oidc.ts';
import { type AccessRoutesOptions, accessAnswer, accessRoutes } from './access/routes.ts';
import type { IceSource } from './ice/ice-servers.ts';
import type { Metrics } from './metrics.ts';

export interface HttpOptions {
  fleet: FleetAnswer;
  ice: IceSource;
  /** Folder with the built pages. */
  pages: string;
  /** Why the server can't serve MQTT now; null when it can. */
  notReady(): string | null;
  metrics: Metrics;
  /** What `/metrics` answers. */
  metricsText(): Promise<string>;
  /** Null when anybody may come in. */
  access: (AccessRoutesOptions & { control: Access; signIn?: Pick<SignIn, 'name' | 'router'> | null }) | null;
}

/** Vite names these files by a hash of their content, so they never change. */
const ASSETS = 'assets';

export function createHttpApp(options: HttpOptions, log: Log): Express {
  const app = express();
  const { access } = options;
  const control = access?.control ?? null;
  app.use(timed(options.metrics));
  app.use(securityHeaders(options.fleet.mqtt.url));

  app.get('/healthz', (_request, response) => {
    response.json({ alive: true });
  });
  app.get('/readyz', (_request, response) => {
    const reason = options.notReady();
    response.set('Cache-Control', 'no-store');
    if (reason === null) response.json({ ready: true });
    else response.status(503).json({ ready: false, reason });
  });

  app.get('/metrics', demand(control, 'monitor', 'supervisor'), async (_request, response) => {
    response.set('Cache-Control', 'no-store').type(options.metrics.contentType);
    response.send(await options.metricsText());
  });

  app.use('/api', (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  app.get('/api/fleet', async (request, response) => {
    const more = access ? { access: await accessAnswer(access.control, request, access.signIn?.name) } : {};
    response.json({ ...options.fleet, ...more });
  });
  if (access) app.use('/api', accessRoutes(access.control, access));
  app.get('/api/ice', demand(control), async (request, response) => {
    const { peer = 'anonymous' } = request.query;
    if (typeof peer === 'string' && isId(peer)) response.json(await options.ice.iceServers(peer));
    else response.status(400).json({ error: "The peer has 1 to 32 of a-z, 0-9 and '-', and no '-' first." });
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
    if (status >= 500) log.error({ path: request.path, reason: String(error?.message) }, 'request failed');
    if (response.headersSent) return next(error);
    const text = status >= 500 ? 'Something went wrong on the server.' : 'The request is not valid.';
    response.status(status);
    if (request.path.startsWith('/api/')) response.json({ error: text });
    else response.type('text').send(`${text}\n`);
  };
  app.use(onError);
  return app;
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
  app.use(
    express.static(pages, {
      index: false,
      redirect: false,
      setHeaders(response, path) {
        const immutable = path.startsWith(assets);
        response.setHeader('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    }),
  );
  // A person with a wrong address gets the page that says so; a program gets one line.
  app.use((request, response, next) => {
    if (request.method !== 'GET' || request.accepts(['text', 'html']) !== 'html') return next();
    sendPage(response, 404);
  });
}

/** @param mqttUrl as in {@link FleetAnswer} */
function securityHeaders(mqttUrl: string) {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        // Leaflet and uPlot set style attributes.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        mediaSrc: ["'self'", 'blob:'],
        workerSrc: ["'self'", 'blob:'],
        connectSrc: mqttUrl.startsWith('/')
          ? ["'self'", (request) => webSocketOrigins(request.headers.host)]
          : ["'self'", new URL(mqttUrl).origin],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'self'"],
      },
    },
    // Whether this host is reached over TLS only is for whoever puts TLS in front of it to say.
    strictTransportSecurity: false,
  });
}

/** Not every browser counts WebSockets to the page's own host as 'self'. */
function webSocketOrigins(host: string | undefined): string {
  return host && /^[\w.:[\]-]+$/.test(host) ? `ws://${host} wss://${host}` : "'self'";
}
