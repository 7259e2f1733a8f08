// Which refusals are worth another try, and when. Two kinds that must not be mixed up: throttling, where waiting
// longer helps, and propagation, where AWS does not know yet what this very run has just made.
import type { Millis, Random } from '../base/index.ts';

export type RetryClass = 'throttling' | 'propagation' | 'conflict' | 'transient' | 'final';

/** What this run has made or emptied: names and ARNs. Nothing else may count as "not there yet". */
export interface RunMemory {
  readonly made: { has(text: string): boolean };
  readonly emptied: { has(text: string): boolean };
}

interface AwsError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const throttlingCodes = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'SlowDown',
  'PriorRequestNotComplete',
]);

const networkCodes = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'TimeoutError']);

/**
 * Refusals that pass once AWS has spread what was just made: error code, operations, and words where the code alone
 * says too little. Sources: IAM user guide, "Changes that I make are not always immediately visible";
 * hashicorp/terraform-provider-aws `internal/service/iam` (which codes its resources wait out).
 */
const propagationRules: readonly {
  readonly code: string;
  readonly operations: RegExp;
  readonly words?: RegExp;
  /** Which memory must hold something the call names. */
  readonly memory: keyof RunMemory;
}[] = [
  { code: 'NoSuchEntityException', operations: /^(?:Put|Attach|Add|Update|Tag|Create)/, memory: 'made' },
  {
    code: 'MalformedPolicyDocumentException',
    operations: /^(?:CreateRole|UpdateAssumeRolePolicy)$/,
    words: /invalid principal/i,
    memory: 'made',
  },
  { code: 'InvalidParameterValue', operations: /./, words: /instance profile name/i, memory: 'made' },
  { code: 'DeleteConflictException', operations: /^Delete/, memory: 'emptied' },
];

const conflictCodes = new Set(['ConcurrentModificationException', 'EntityTemporarilyUnmodifiableException']);

/** The texts by which a call names things; policy documents are searched for ARNs. */
function namesIn(input: object): string[] {
  return Object.entries(input).flatMap(([key, value]) => {
    if (typeof value !== 'string') return [];
    return key.endsWith('Document') ? (value.match(/arn:[^"\s]+/g) ?? []) : [value];
  });
}

/** Whether a message names a thing: the whole word, as IAM writes names. */
function namesThing(message: string, name: string): boolean {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\w+=,.@-])${escaped}(?![\w+=,@-])`).test(message);
}

/** Classifies a refusal by error code, operation and what this run has done before. */
export function classifyError(error: unknown, operation: string, input: object, memory: RunMemory): RetryClass {
  const { name = '', message = '', code = '', $metadata } = error as AwsError;
  if (throttlingCodes.has(name) || $metadata?.httpStatusCode === 429) return 'throttling';
  if (conflictCodes.has(name)) return 'conflict';
  const rule = propagationRules.find(
    (it) =>
      (it.code === name || it.code === `${name}Exception`) &&
      it.operations.test(operation) &&
      (it.words === undefined || it.words.test(message)),
  );
  if (rule !== undefined) {
    const ours = namesIn(input).filter((text) => memory[rule.memory].has(text));
    // A call may name several things; the refusal says which of them AWS does not find.
    if (ours.some((text) => rule.code !== 'NoSuchEntityException' || namesThing(message, text))) return 'propagation';
  }
  if (networkCodes.has(code) || networkCodes.has(name) || ($metadata?.httpStatusCode ?? 0) >= 500) return 'transient';
  return 'final';
}

/** How often and how long each class is tried. Propagation is polled densely, for at most two minutes. */
const schedules: Readonly<Record<Exclude<RetryClass, 'final'>, { base: Millis; cap: Millis; total: Millis }>> = {
  throttling: { base: 500, cap: 20_000, total: 300_000 },
  propagation: { base: 200, cap: 1000, total: 120_000 },
  conflict: { base: 200, cap: 2000, total: 60_000 },
  transient: { base: 200, cap: 5000, total: 20_000 },
};

function fraction(random: Random): number {
  const [a = 0, b = 0] = random.bytes(2);
  return (a * 256 + b) / 65_536;
}

/**
 * Milliseconds to wait before try number `attempt` + 1 (the first try is 1): exponential with full jitter.
 * `undefined` when the class is final or its time is over.
 */
export function retryDelay(kind: RetryClass, attempt: number, waited: Millis, random: Random): Millis | undefined {
  if (kind === 'final') return undefined;
  const { base, cap, total } = schedules[kind];
  if (waited >= total) return undefined;
  return Math.ceil(fraction(random) * Math.min(cap, base * 2 ** (attempt - 1)));
}
