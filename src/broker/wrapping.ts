// Response wrapping: an answer is kept in the cubbyhole of a token made for it, which can be used once.
// Whoever has that token gets the answer; when nobody comes in time, token and answer are erased.
import type { Clock } from '../base/index.ts';
import type { Answer, Call } from './call.ts';
import type { Cubbyholes } from './cubbyholes.ts';
import { brokerFailure } from './failures.ts';
import type { WireEnvelope, WireValue, WireWrapInfo } from './http/wire.ts';
import type { Lending } from './lending.ts';
import type { Token } from './model.ts';
import type { Tokens } from './tokens.ts';

export interface WrappingParts {
  readonly tokens: Tokens;
  readonly cubbyholes: Cubbyholes;
  readonly lending: Pick<Lending, 'endToken'>;
  readonly clock: Clock;
}

/** As it lies beside the answer, with Vault's names. */
interface KeptInfo {
  readonly creation_ttl: number;
  readonly creation_time: string;
  readonly creation_path: string;
}

/** What is known of a wrapped answer without taking it. */
export interface WrapRecord {
  readonly creationTtlSeconds: number;
  readonly creationTime: string;
  readonly creationPath: string;
}

/** An answer to be kept, as its text, and what a look-up will tell of it. */
interface Wrap {
  readonly text: string;
  readonly ttlSeconds: number;
  readonly creationPath: string;
  readonly wrappedAccessor: string | undefined;
}

interface WrapAnswer extends Answer {
  readonly takeBack: () => Promise<void>;
}

const policy = 'response-wrapping';
const nanosPerSecond = 1e9;

export function isWrappingToken({ policies }: Token): boolean {
  return policies.length === 1 && policies[0] === policy;
}

export class Wrapping {
  readonly #parts: WrappingParts;

  constructor(parts: WrappingParts) {
    this.#parts = parts;
  }

  /**
   * The answer in place of `answer`, which the caller asked to be wrapped; without a body there is
   * nothing to wrap. When it cannot be kept, what was lent with it is taken back.
   */
  wrap(call: Call, answer: Answer): Answer | Promise<Answer> {
    const ttlSeconds = call.wrapTtlSeconds ?? 0;
    if (ttlSeconds === 0 || answer.body === undefined || answer.wrapped === true) return answer;
    return this.#wrapped(call, answer, ttlSeconds);
  }

  async #wrapped(call: Call, answer: Answer, ttlSeconds: number): Promise<Answer> {
    try {
      const wrap: Wrap = {
        text: JSON.stringify(answer.body),
        ttlSeconds,
        creationPath: calledPath(call),
        wrappedAccessor: accessorIn(answer),
      };
      const kept = await this.#keep(call, wrap);
      return { ...kept, takeBack: async () => void (await Promise.all([kept.takeBack(), answer.takeBack?.()])) };
    } catch (error) {
      await answer.takeBack?.();
      throw error;
    }
  }

  async #keep(call: Call, { text, ttlSeconds, creationPath, wrappedAccessor }: Wrap): Promise<WrapAnswer> {
    const creationTime = new Date(this.#parts.clock.now()).toISOString();
    const { id, token } = await this.#parts.tokens.create({
      policies: [policy],
      displayName: call.token?.displayName ?? '',
      path: calledPath(call),
      meta: {},
      parent: null,
      ttlSeconds,
      explicitMaxTtlSeconds: ttlSeconds,
      periodSeconds: 0,
      // What the caller asked for holds, whatever the mount's limits say.
      mountTtls: { defaultSeconds: ttlSeconds, maxSeconds: ttlSeconds },
      renewable: false,
      uses: 1,
      cubbyhole: {
        response: { response: text },
        wrapinfo: {
          creation_ttl: ttlSeconds * nanosPerSecond,
          creation_time: creationTime,
          creation_path: creationPath,
        },
      },
    });
    const answer = wrapAnswer({
      // SECURITY: the one place where a wrapping token leaves.
      token: id.reveal(),
      accessor: token.accessor,
      ttl: ttlSeconds,
      creation_time: creationTime,
      creation_path: creationPath,
      ...(wrappedAccessor === undefined ? {} : { wrapped_accessor: wrappedAccessor }),
    });
    return { ...answer, takeBack: () => this.#parts.lending.endToken(token.name) };
  }

  /**
   * The wrapping token a call names in its body or is made with. Does not use it.
   * @throws Failure `wrapping-invalid` in Vault's words.
   */
  async tokenOf(call: Call): Promise<Token> {
    const token = await this.#parts.tokens.lookup(namedId(call));
    if (token !== undefined && isWrappingToken(token)) return token;
    throw notValid();
  }

  /** What is known of the answer that the token holds; undefined when it holds none. */
  async info(token: Token): Promise<WrapRecord | undefined> {
    const kept = (await this.#parts.cubbyholes.get(token, 'wrapinfo')) as KeptInfo | undefined;
    if (kept === undefined) return undefined;
    return {
      creationTtlSeconds: kept.creation_ttl / nanosPerSecond,
      creationTime: kept.creation_time,
      creationPath: kept.creation_path,
    };
  }

  /** The answer that was wrapped, once; the token ends. @throws Failure `wrapping-invalid`. */
  async unwrap(call: Call): Promise<Answer> {
    const body = JSON.parse(await this.#take(await this.#used(call))) as WireValue | WireEnvelope;
    return { status: 200, body, audited: body, leaseId: '' };
  }

  /** Moves the answer to a new token, with the time it had at first, or less when less is asked for. */
  async rewrap(call: Call): Promise<Answer> {
    const token = await this.#used(call);
    const info = await this.info(token);
    if (info === undefined) throw notValid();
    const { creationTtlSeconds, creationPath } = info;
    const ttlSeconds = Math.min(call.wrapTtlSeconds || creationTtlSeconds, creationTtlSeconds);
    const text = await this.#response(token);
    const answer = await this.#keep(call, { text, ttlSeconds, creationPath, wrappedAccessor: undefined });
    await this.#parts.lending.endToken(token.name);
    return answer;
  }

  // Of two who come at once, one gets it: taking the token's only use is compare-and-set. A token that
  // is the caller's own was used by the pipeline.
  async #used(call: Call): Promise<Token> {
    if (call.token !== undefined && isWrappingToken(call.token) && !hasBodyToken(call)) return call.token;
    const token = await this.#parts.tokens.use(namedId(call), call.remoteAddress);
    if (token === undefined) throw notValid();
    return token;
  }

  async #take(token: Token): Promise<string> {
    const text = await this.#response(token);
    await this.#parts.lending.endToken(token.name);
    return text;
  }

  async #response(token: Token): Promise<string> {
    const kept = (await this.#parts.cubbyholes.get(token, 'response')) as { readonly response: string } | undefined;
    if (kept === undefined) throw notValid();
    return kept.response;
  }
}

function wrapAnswer(info: WireWrapInfo): Answer {
  const body: WireEnvelope = {
    // As in Vault: the request is that of whoever unwraps.
    request_id: '',
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: null,
    wrap_info: info,
    warnings: null,
    auth: null,
    mount_type: '',
  };
  return { status: 200, body, audited: { wrap_info: info }, leaseId: '', wrapped: true };
}

/** The accessor of a token, or of a secret id of approle, that the answer holds. */
function accessorIn({ body }: Answer): string | undefined {
  if (typeof body !== 'object' || body === null || !('auth' in body)) return undefined;
  const { auth, data, mount_type: type } = body as WireEnvelope;
  if (auth !== null) return auth.accessor;
  const secret = data?.['secret_id_accessor'];
  return type === 'approle' && typeof secret === 'string' ? secret : undefined;
}

/** A list is of a folder, which Vault writes with a closing slash. */
function calledPath({ operation, path }: Call): string {
  return operation === 'list' ? `${path}/` : path;
}

function hasBodyToken({ body }: Call): boolean {
  return body['token'] !== undefined && body['token'] !== null;
}

function namedId(call: Call): string {
  const invalid = (reason: string): Error =>
    brokerFailure('permission-denied', `error validating wrapping token: ${reason}`);
  if (!hasBodyToken(call)) {
    const own = call.tokenId?.reveal() ?? '';
    if (own === '') throw invalid('token is empty');
    return own;
  }
  const id = call.body['token'];
  if (typeof id !== 'string') throw invalid('could not decode token in request body');
  if (id === '') throw invalid('empty token in request body');
  return id;
}

function notValid(): Error {
  return brokerFailure('wrapping-invalid', 'wrapping token is not valid or does not exist');
}
