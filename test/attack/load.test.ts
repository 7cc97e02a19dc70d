/** Too much, too slowly, and what makes no sense: on a running server, which is less patient than by default. */
import { LOADS } from './cases/all.ts';
import { describeAttacks } from './described.ts';

const IMPATIENT = [
  ...['--limit-connect-seconds', '2'],
  ...['--limit-http-seconds', '3'],
  ...['--limit-slowed-seconds', '3'],
  ...['--limit-answer-seconds', '3'],
];

describeAttacks('a server under load lives, and nobody else notices it', LOADS, IMPATIENT);
