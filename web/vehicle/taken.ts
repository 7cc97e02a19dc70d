/** Whether a vehicle of this name is online already, so that nobody takes it over without knowing. */
import { useEffect, useState } from 'preact/hooks';
import { createBus } from '../../shared/bus.ts';
import { systemClock } from '../../shared/clock.ts';
import { createTopics } from '../../shared/topics.ts';
import { onlooker } from '../access/identity.ts';
import { fleetSettings } from '../settings.ts';

/** True while the room's vehicle is online; false also while that is not known yet. */
export function useTaken(room: string): boolean {
  const [taken, setTaken] = useState(false);
  useEffect(() => {
    let close = () => {};
    let wanted = true;
    void fleetSettings().then(async ({ url, root }) => {
      const me = await onlooker();
      if (!wanted) return;
      const bus = createBus({
        url,
        root,
        ...me,
        filters: [createTopics(root).presence(room, room)],
        onMessage(incoming) {
          if (incoming.kind === 'presence') setTaken(incoming.message?.state === 'online');
        },
        clock: systemClock,
      });
      close = () => void bus.close();
    });
    return () => {
      wanted = false;
      close();
    };
  }, [room]);
  return taken;
}
