// Waits until a new key works. IAM tells its other parts of a new key with delay; until then AWS answers
// that it does not know it. A wait that does not suffice is told to the caller and fails nothing.
import { setTimeout } from 'node:timers/promises';
import type { STSClient } from '@aws-sdk/client-sts';
import { formatGoDuration } from '../../../base/index.ts';
import { stsSdk } from '../../aws-sdk.ts';
import type { Made } from '../engine.ts';
import type { AwsClients } from './clients.ts';

/** AWS answers from many machines, of which some hear late: so many must know the key in a row. */
const answersInARow = 3;
const firstPauseMillis = 100;
const longestPauseMillis = 1000;

/** What was made, after AWS knew its key several times in a row or `seconds` have passed; 0 does not wait. */
export async function whenUsable(clients: AwsClients, made: Made, seconds: number): Promise<Made> {
  if (seconds <= 0 || made.secret === null) return made;
  const { accessKeyId = '', secretAccessKey = '' } = made.secret;
  const sts = await clients.stsAs({ accessKeyId, secretAccessKey });
  try {
    if (await isKnownWithin(sts, seconds * 1000)) return made;
  } finally {
    sts.destroy();
  }
  const warning = `AWS did not accept the new key everywhere within ${formatGoDuration(seconds)}: it may take a moment longer`;
  return { ...made, warnings: [warning] };
}

async function isKnownWithin(sts: STSClient, millis: number): Promise<boolean> {
  const end = performance.now() + millis;
  let pause = firstPauseMillis;
  for (let inARow = 0; ;) {
    inARow = (await isKnown(sts, end)) ? inARow + 1 : 0;
    if (inARow >= answersInARow) return true;
    const left = end - performance.now();
    if (left <= 0) return false;
    if (inARow > 0) continue;
    await setTimeout(Math.min(pause, left));
    pause = Math.min(pause * 2, longestPauseMillis);
  }
}

// GetCallerIdentity asks for no right, so that only the key itself is tried.
async function isKnown(sts: STSClient, end: number): Promise<boolean> {
  const { GetCallerIdentityCommand } = await stsSdk();
  const abortSignal = AbortSignal.timeout(Math.max(1, Math.ceil(end - performance.now())));
  try {
    await sts.send(new GetCallerIdentityCommand({}), { abortSignal });
    return true;
  } catch {
    return false;
  }
}
