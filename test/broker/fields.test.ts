import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readFields } from '../../src/broker/fields.ts';

const schema = {
  text: 'string',
  number: 'int',
  rate: 'float',
  pairs: 'map',
  flag: 'boolean',
  time: 'seconds',
  leeway: 'signedSeconds',
  list: 'list',
  headers: 'headers',
} as const;

describe('fields of a request', () => {
  test('are read weakly typed, as Vault reads them', () => {
    for (const [given, read] of [
      [{ text: 5 }, { text: '5' }],
      [{ text: true }, { text: 'true' }],
      [{ text: null }, {}],
      [{ number: '7' }, { number: 7 }],
      [{ number: true }, { number: 1 }],
      [{ rate: '1.5' }, { rate: 1.5 }],
      [{ pairs: ['a=b', 'c=d=e'] }, { pairs: { a: 'b', c: 'd=e' } }],
      [{ flag: '0' }, { flag: false }],
      [{ time: '1h30m' }, { time: 5400 }],
      [{ time: '' }, { time: 0 }],
      [{ leeway: '-1m' }, { leeway: -60 }],
      [{ leeway: -1 }, { leeway: -1 }],
      [{ list: 'a, b' }, { list: ['a', 'b'] }],
      [{ list: [' a', 'b '] }, { list: ['a', 'b'] }],
      [{ list: 5 }, { list: ['5'] }],
      [{ headers: { A: 'x', b: ['y', 'z'] } }, { headers: { a: ['x'], b: ['y', 'z'] } }],
      [{ headers: '{"A": "x"}' }, { headers: { a: ['x'] } }],
      [{ headers: Buffer.from('{"A": ["x"]}').toString('base64') }, { headers: { a: ['x'] } }],
      [{ headers: ['A:x', 'b:y:z'] }, { headers: { a: ['x'], b: ['y:z'] } }],
    ] as const) {
      assert.deepEqual(readFields(schema, given), read);
    }
  });

  test('that cannot be read are told in the words of Vault, with a cure', () => {
    const prefix = 'Field validation failed: error converting input for field';
    for (const [given, text] of [
      [{ text: ['a'] }, `"text": '' expected type 'string', got unconvertible type '[]interface {}'`],
      [{ text: { a: 1 } }, `"text": '' expected type 'string', got unconvertible type 'map[string]interface {}'`],
      [{ number: '1x' }, `"number": '' cannot parse value as 'int': strconv.ParseInt: invalid syntax`],
      [{ number: 1.5 }, `"number": '' cannot parse value as 'int': strconv.ParseInt: invalid syntax`],
      [{ number: [1] }, `"number": '' expected type 'int', got unconvertible type '[]interface {}'`],
      [{ rate: 'x' }, `"rate": '' cannot parse value as 'float64': strconv.ParseFloat: invalid syntax`],
      [{ pairs: 'ab' }, `"pairs": invalid key pair "ab"`],
      [{ pairs: ['a=b', '=c'] }, `"pairs": invalid key pair "=c"`],
      [{ flag: 'maybe' }, `"flag": '' cannot parse value as 'bool': strconv.ParseBool: invalid syntax`],
      [{ time: 'x' }, `"time": time: invalid duration "x"`],
      [{ time: '1y' }, `"time": time: unknown unit "y" in duration "1y"`],
      [{ time: -5 }, `"time": cannot provide negative value '-5'`],
      [{ time: true }, `"time": could not parse duration from input`],
      [
        { list: { a: [1] } },
        `"list": 1 error(s) decoding:\n\n* '[0]' expected type 'string', got unconvertible type 'map[string]interface {}', value: 'map[a:[1]]'`,
      ],
      [{ headers: 'no json' }, `"headers": expected HTTP headers as an object, or its JSON in base64`],
    ] as const) {
      assert.throws(() => readFields(schema, given), { code: 'bad-request', message: `${prefix} ${text}` });
    }
    assert.throws(() => readFields(schema, { number: 'x' }, ''), {
      message: /^error converting input for field "number"/,
    });
    assert.throws(() => readFields(schema, { number: 'x' }), { hint: '`number` is a whole number' });
  });
});
