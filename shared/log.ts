/** The shape of the logger that parts are handed; pino's is one. SDP and secrets never go into it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
