/** From claims to roles and rooms. */
import { describe, expect, test } from 'vitest';
import { accessOf, nameOf, parseMappings, valuesOf } from '../../../broker/access/oidc-roles.ts';

const rooms = (count: number) =>
  Array.from({ length: count }, (_, index) => `d=operator:car${index}`).join(',');

describe('a mapping', () => {
  test.each([
    ['drivers=operator:car*', [['drivers', 'operator', 'car*']]],
    [
      'drivers=operator:car1, drivers=operator:van-*,leads=supervisor:*',
      [
        ['drivers', 'operator', 'car1'],
        ['drivers', 'operator', 'van-*'],
        ['leads', 'supervisor', '*'],
      ],
    ],
    ['/fleet/drivers=operator:car1', [['/fleet/drivers', 'operator', 'car1']]],
    ['urn:x:drivers=operator:car1', [['urn:x:drivers', 'operator', 'car1']]],
    ['CN=drivers\\,OU=fleet=operator:car1', [['CN=drivers,OU=fleet', 'operator', 'car1']]],
    ['night shift=operator:car1', [['night shift', 'operator', 'car1']]],
  ])('%s', (text, expected) => {
    expect(parseMappings(text).map(({ value, role, room }) => [value, role, room])).toEqual(expected);
  });

  test.each([
    ['drivers', "'drivers' is not of the form value=role:room, such as drivers=operator:car*."],
    ['', "'' is not of the form"],
    ['a=operator:car1,', "'' is not of the form"],
    ['=operator:car1', "'=operator:car1' is not of the form"],
    ['drivers=operator', 'is not of the form'],
    ['drivers=operator:', 'is not of the form'],
    ['drivers=king:car1', "'king' is not a role to sign in for: operator or supervisor."],
    ['cars=vehicle:car1', 'A vehicle is a program and does not sign in'],
    ['eyes=monitor:*', 'A monitor is a program and does not sign in'],
    ['drivers=operator:Car1', "'Car1' is neither a room nor a pattern"],
    ['drivers=operator:car1+car2', "'car1+car2' is neither a room nor a pattern"],
    [rooms(33), 'It has more than 32 rooms and patterns for operators'],
  ])('not %s', (text, sentence) => {
    expect(() => parseMappings(text)).toThrow(sentence);
  });

  test('may have as many rooms of a role as a token', () => {
    expect(parseMappings(`${rooms(32)},leads=supervisor:*`)).toHaveLength(33);
  });
});

test.each([
  [{ groups: ['a', 'b'] }, 'groups', ['a', 'b']],
  [{ groups: 'a b' }, 'groups', ['a b']],
  [{ groups: ['a', 7, null, ['b'], { c: 'c' }] }, 'groups', ['a']],
  [{ groups: 7 }, 'groups', []],
  [{}, 'groups', []],
  [{ realm_access: { roles: ['a'] } }, 'realm_access.roles', ['a']],
  [{ realm_access: null }, 'realm_access.roles', []],
  [{ realm_access: 'x' }, 'realm_access.length', []],
  [{ realm_access: ['a'] }, 'realm_access.0', ['a']],
  [{ 'https://x.example/roles': ['a'] }, 'https://x.example/roles', ['a']],
  [{}, '__proto__', []],
  [{}, 'constructor.name', []],
])('of %j, %s is %j', (claims, path, values) => {
  expect(valuesOf(claims, path)).toEqual(values);
});

test.each([
  ['nothing', [], null],
  ['a value that is not mapped', ['staff'], null],
  ['a value in other letters', ['Drivers'], null],
  ['one', ['staff', 'drivers'], { role: 'operator', rooms: ['car*', 'van-1'] }],
  [
    'two of one role, rooms that are named twice once',
    ['drivers', 'night'],
    { role: 'operator', rooms: ['car*', 'van-1', 'van-7'] },
  ],
  [
    'two roles: the higher, in its rooms alone',
    ['drivers', 'leads'],
    { role: 'supervisor', rooms: ['van-*'] },
  ],
])('%s', (_what, values, access) => {
  const mappings = parseMappings(
    'drivers=operator:car*,drivers=operator:van-1,night=operator:van-1,night=operator:van-7,leads=supervisor:van-*',
  );
  expect(accessOf(values, mappings)).toEqual(access);
});

test.each([
  [{ name: 'Ann', preferred_username: 'ann' }, 'Ann'],
  [{ preferred_username: 'ann', email: 'a@b.example' }, 'ann'],
  [{ name: ' \u0000 ', email: 'a@b.example' }, 'a@b.example'],
  [{ name: 7 }, undefined],
  [{}, undefined],
  [{ name: 'Ann\r\nLee\u202e!' }, 'Ann Lee !'],
  [{ name: 'x'.repeat(100) }, 'x'.repeat(64)],
  [{ name: `${'x'.repeat(63)}🚗` }, 'x'.repeat(63)],
])('%j is called %j', (claims, name) => {
  expect(nameOf(claims)).toBe(name);
});
