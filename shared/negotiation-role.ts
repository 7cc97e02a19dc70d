/** What the two roles do differently, in the same words: offerer.ts and answerer.ts. */
import type { Connected, Event, Restoring, State, Step } from './negotiation-state.ts';

export interface Conduct {
  /** The other end's presence is online. */
  arrived(state: State, epoch: number): Step;
  /** A description came. */
  sdpCame(state: State, message: Extract<Event, { type: 'sdp' }>['message']): Step;
  /** Another connection is wanted beside the one that there is, unless one is being made. */
  wantAnother(state: State, link: Connected | Restoring): Step;
  /** This end's own network has changed: what was begun before leads nowhere. */
  moved(state: State, link: Connected | Restoring): Step;
  /** The connection is gone for good, and there is no other. */
  lost(state: State, link: Connected | Restoring, detail: string): Step;
  /** The broker is there (again). */
  signallingUp(state: State): Step;
  /** The wait of this state is over. */
  timedOut(state: State): Step;
}
