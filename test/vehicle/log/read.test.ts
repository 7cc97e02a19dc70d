/** What can be read of a file, wherever it ends. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aboutOf } from '../../../vehicle/log/log-folder.ts';
import { createMcapFile } from '../../../vehicle/log/mcap-file.ts';
import { isWhole, readMessages } from '../../../vehicle/log/read.ts';
import { TOPICS } from '../../../vehicle/log/topics.ts';
import { indexed, temporaryFolder } from './files.ts';

const CHUNKS = 5;
const IN_EACH = 7;

const message = (n: number) => ({
  channel: n % 3,
  time: BigInt(1_000 + n) * 1_000_000n,
  data: Buffer.from(JSON.stringify({ n })),
});

async function writtenFile(folder = temporaryFolder()) {
  const path = join(folder, 'log.mcap');
  const file = await createMcapFile(path, TOPICS, aboutOf('car1'));
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    await file.append(Array.from({ length: IN_EACH }, (_, n) => message(chunk * IN_EACH + n)));
  }
  const estimated = file.bytes;
  await file.end();
  return { path, estimated, folder };
}

async function numbersIn(path: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { data } of readMessages(path)) numbers.push(JSON.parse(Buffer.from(data).toString()).n);
  return numbers;
}

const all = Array.from({ length: CHUNKS * IN_EACH }, (_, n) => n);

test('a whole file is read by its index and from its beginning', async () => {
  const { path, estimated } = await writtenFile();
  expect(await isWhole(path)).toBe(true);
  expect(await numbersIn(path)).toEqual(all);
  const { reader, messages } = await indexed(path);
  expect(messages.map(({ message: { n } }) => n)).toEqual(all);
  expect(messages.map(({ topic }) => topic)).toEqual(all.map((n) => TOPICS[n % 3]?.name));
  expect(reader.header).toMatchObject({ profile: '', library: 'plntry' });
  expect(reader.statistics).toMatchObject({ messageCount: BigInt(all.length), chunkCount: CHUNKS });
  expect(reader.statistics?.messageEndTime).toBe(message(all.length - 1).time);
  expect(readFileSync(path).length).toBeLessThanOrEqual(estimated);
});

test('one that was cut off anywhere gives whole chunks up to there, or says that it is none', async () => {
  const { path, folder } = await writtenFile();
  const bytes = readFileSync(path);
  const cut = join(folder, 'cut.mcap');
  const seen = new Set<number>();
  for (let length = 0; length < bytes.length; length += 97) {
    writeFileSync(cut, bytes.subarray(0, length));
    expect(await isWhole(cut)).toBe(false);
    const numbers = await numbersIn(cut).catch(({ message }) => message);
    if (typeof numbers === 'string') {
      expect(numbers).toContain('is not an MCAP file');
      expect(length).toBeLessThan(100);
      continue;
    }
    expect(numbers).toEqual(all.slice(0, numbers.length));
    seen.add(numbers.length);
  }
  expect([...seen]).toEqual(Array.from({ length: CHUNKS + 1 }, (_, n) => n * IN_EACH));
});

test('zeros where the machine lost its power do no harm; rubbish is said to be there, after all before it', async () => {
  const { path, folder } = await writtenFile();
  const bytes = readFileSync(path);
  const spoilt = join(folder, 'spoilt.mcap');
  for (const filling of [0, 0x55, 0xff]) {
    writeFileSync(spoilt, Buffer.concat([bytes.subarray(0, bytes.length / 2), Buffer.alloc(8192, filling)]));
    const numbers: number[] = [];
    const reading = (async () => {
      for await (const { data } of readMessages(spoilt))
        numbers.push(JSON.parse(Buffer.from(data).toString()).n);
    })();
    if (filling === 0) await reading;
    else await expect(reading).rejects.toThrow(`${spoilt} is damaged: what follows can’t be read.`);
    expect(numbers.length).toBeGreaterThan(0);
    expect(numbers).toEqual(all.slice(0, numbers.length));
  }
});

test('a file that is something else is said to be', async () => {
  const path = join(temporaryFolder(), 'notes.mcap');
  writeFileSync(path, 'dear diary, today I have been driven');
  await expect(numbersIn(path)).rejects.toThrow(`${path} is not an MCAP file.`);
});
