/** What becomes of a program whose output nobody reads any more, as in `plntry revoke --list | head`. */

/** It ends, and says nothing of it: as one does that is told to stop where it listens for that, at once otherwise. */
export function endWithReaders(streams: NodeJS.WriteStream[] = [process.stdout, process.stderr]): void {
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM');
      else process.exit();
    });
  }
}
