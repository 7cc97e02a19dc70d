/** How much a drive log is, unless somebody says otherwise. */

/** All files of one vehicle together. */
export const DEFAULT_BYTES = 1e9;
/** A file is ended when it is so large, */
export const DEFAULT_FILE_BYTES = 64e6;
/** or so old: what can be sent to somebody, and is a whole story most of the time. */
export const DEFAULT_FILE_MS = 10 * 60_000;
/** An error of the file system may pass. */
export const DEFAULT_RETRY_MS = 60_000;
