import fc from 'fast-check';
import { expect, test } from 'vitest';
import { annexBOf } from '../../../vehicle/log/annex-b.ts';
import { createRtpPacketizer, nalUnits } from '../../../vehicle/rtp.ts';
import { annexB } from '../h264.ts';

/** Units as an encoder makes them: a header, no start code inside, no zero at the end. */
const unit = fc
  .tuple(fc.constantFrom(0x41, 0x65, 0x67, 0x68), fc.uint8Array({ minLength: 1, maxLength: 5000, min: 1 }))
  .map(([header, body]) => Buffer.from([header, ...body]));

test('a picture that was made into packets is the same again, each unit after four bytes of start code', () => {
  fc.assert(
    fc.property(fc.array(unit, { minLength: 1, maxLength: 5 }), (units) => {
      const { data, lengths } = createRtpPacketizer().packetize(annexB(units), 0);
      let from = 0;
      const packets = lengths.map((length) => {
        from += length;
        return Buffer.from(data, from - length, length);
      });
      const picture = annexBOf(packets);
      expect(nalUnits(picture)).toEqual(units);
      expect(picture).toEqual(Buffer.concat(units.flatMap((each) => [Buffer.from([0, 0, 0, 1]), each])));
    }),
  );
});
