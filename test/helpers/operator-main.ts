/** An operator in a process of its own: connects to car1, takes the wheel, drives, and says so in a line. */
import { systemClock } from '../../shared/clock.ts';
import { createOperatorEnd } from '../../shared/operator-end.ts';
import { weriftOperator } from './werift-peer.ts';

const [url = '', self = ''] = process.argv.slice(2);
let said = false;

const end = createOperatorEnd({
  url,
  room: 'car1',
  self,
  createPeer: weriftOperator({ packets: 0, nalTypes: new Set() }),
  arrival: 'entered',
  onView(view) {
    if (view.link.phase === 'connected') queueMicrotask(() => end.request());
  },
  onState({ speed }) {
    if (said || speed < 1) return;
    said = true;
    console.log('driving');
  },
  clock: systemClock,
});
setInterval(() => end.command({ steer: 0, throttle: 1, brake: 0, gear: 'D' }), 20);
