/** Why a file can't be written, in words for people. */

const WORDS: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EFBIG: 'the file is too large for the file system',
  EROFS: 'the disk is read-only',
  EACCES: 'there is no permission',
  EPERM: 'there is no permission',
  ENOENT: 'the folder is gone',
  ENOTDIR: 'there is a file where a folder should be',
  EEXIST: 'there is a file where a folder should be',
  EIO: 'the disk has failed',
  ENODEV: 'the disk is gone',
  EMFILE: 'too many files are open',
};

/** With the path where the file system says it, e.g. `the disk is full (ENOSPC, /srv/log/car1)`. */
export function reasonOf(error: Error): string {
  const { code, path } = error as NodeJS.ErrnoException;
  const words = code === undefined ? undefined : WORDS[code];
  if (!words) return error.message;
  return `${words} (${[code, path].filter(Boolean).join(', ')})`;
}
