// Throttling on order: a token bucket per account, and the words in which each service refuses.
import type { Failure, Millis } from '../base/index.ts';
import type { ServiceId } from './call.ts';
import { awsFailure } from './failures.ts';

/** How many calls pass: `burst` at once, `rate` a second in the long run. */
export interface Throttle {
  readonly rate: number;
  readonly burst: number;
}

type Words = readonly [code: string, status: number, message: string];

/**
 * Sources: each service's API reference, "Common errors"; EC2 API reference, "Request throttling"; S3 API reference,
 * "Error responses"; KMS developer guide, "Throttling requests"; Organizations API reference, TooManyRequestsException.
 */
const words: Readonly<Record<ServiceId, Words>> = {
  iam: ['Throttling', 400, 'Rate exceeded'],
  sts: ['Throttling', 400, 'Rate exceeded'],
  organizations: [
    'TooManyRequestsException',
    400,
    'You have sent too many requests in too short a period of time. The quota helps protect against denial-of-service attacks. Try again later.',
  ],
  s3: ['SlowDown', 503, 'Please reduce your request rate.'],
  ec2: ['RequestLimitExceeded', 503, 'Request limit exceeded.'],
  kms: [
    'ThrottlingException',
    400,
    'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
  ],
  dynamodb: ['ThrottlingException', 400, 'Rate of requests exceeds the allowed throughput.'],
  cloudtrail: ['ThrottlingException', 400, 'Rate exceeded'],
};

/** The refusal in which the service throttles. */
export function throttled(service: string): Failure {
  const [code, status, message] = words[service as ServiceId];
  return awsFailure(code, message, { status });
}

interface Bucket {
  tokens: number;
  at: Millis;
}

/** The buckets of one order; each account has its own, as AWS counts. */
export class Buckets {
  readonly #throttle: Throttle;
  readonly #buckets = new Map<string, Bucket>();

  constructor(throttle: Throttle) {
    this.#throttle = throttle;
  }

  /** Takes a token of the account; false when there is none. A clock that goes back fills nothing. */
  take(account: string, now: Millis): boolean {
    const { rate, burst } = this.#throttle;
    const bucket = this.#buckets.get(account) ?? { tokens: burst, at: now };
    this.#buckets.set(account, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * rate);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
