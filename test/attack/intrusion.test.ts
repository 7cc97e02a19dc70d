/** Getting in, and getting further, without the right to: on a running server. */
import { INTRUSIONS } from './cases/all.ts';
import { describeAttacks } from './described.ts';

describeAttacks('nobody gets in, and nobody else notices that one tried', INTRUSIONS);
