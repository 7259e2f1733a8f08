// What the tests of every room may use: how a failure is expected.
import assert from 'node:assert/strict';
import { isFailure, type Failure } from '../../src/base/index.ts';

/** The coded failure that the work ends with; fails when it succeeds, and on any other error. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (error) {
    assert.ok(isFailure(error), String(error));
    return error;
  }
  return assert.fail('nothing failed');
}
