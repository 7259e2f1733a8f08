// The whole flow of one request: route → authenticate → read → fault before → authorize and handle in one
// transaction → fault after → event → answer. Everything it uses arrives with it.
import { isFailure, uuid, type Clock, type Failure, type Millis, type Random } from '../base/index.ts';
import type { Principal } from '../policy/index.ts';
import type { Authorizer, Verdict } from './authorize.ts';
import type { Call, Operation, Permission } from './call.ts';
import { answerControl, controlPrefix, type ControlTargets } from './control.ts';
import type { Credential } from './credential.ts';
import { callEvent, type Events } from './events.ts';
import type { Explanations } from './explain.ts';
import { awsFailure } from './failures.ts';
import { clientGone, type Faults } from './faults.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import type { MetadataServices } from './imds.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import type { Answerer } from './listener.ts';
import {
  readInput,
  routeRequest,
  unsupportedOperation,
  writeFailure,
  writeOutput,
  type Route,
} from './protocol/index.ts';
import {
  isPostUpload,
  postAnswer,
  postSigning,
  readPostUpload,
  signerOf,
  type PostUpload,
} from './post-upload/index.ts';
import { noteUse } from './services/iam/last-used.ts';
import { findCredential, principalOf } from './services/iam/lookup.ts';
import type { Propagation } from './propagation.ts';
import { bodyLimit, refuseBody } from './request-bodies.ts';
import type { Services } from './services/index.ts';
import { authenticate, type SigningKeys } from './signature.ts';
import { signingFactsOf, type SigningFacts } from './signing-facts.ts';
import { answerSignin, readSigninRequest } from './signin/index.ts';
import type { State } from './state.ts';
import { isTaskRequest } from './tasks.ts';
import { trailEvents, type EndedCall } from './trail-events.ts';
import type { Trail } from './trail.ts';
import type { World } from './world.ts';

/** What one embedded AWS is made of. */
export interface Parts {
  readonly state: State;
  readonly world: World;
  readonly clock: Clock;
  readonly wall: Clock;
  readonly random: Random;
  /** Remembered over requests. */
  readonly signingKeys: SigningKeys;
  readonly authorizer: Authorizer;
  readonly explanations: Explanations;
  readonly events: Events;
  readonly trail: Trail;
  readonly faults: Faults;
  readonly propagation: Propagation;
  readonly control: ControlTargets;
  readonly metadata: MetadataServices;
  readonly issuerKeys: IssuerKeys;
  readonly services: Services;
  /** An error that is no failure: a defect, answered 500 without detail. */
  onDefect(error: unknown): void;
}

/** What answers the requests of one embedded AWS. */
export function createAnswerer(parts: Parts): Answerer {
  return {
    answer: (request, gone) => {
      if (isTaskRequest(request)) return parts.control.tasks.answer(request);
      if (request.path.startsWith(controlPrefix)) return answerControl(request, parts.control);
      const signin = readSigninRequest(request);
      if (signin !== undefined) return answerSignin(signin, request, parts, uuid(parts.random));
      return isPostUpload(request) ? answerPost(parts, request, gone) : new Exchange(parts, request, gone).answer();
    },
    bodyLimit,
    refuseBody: (head, reason) => refuseBody(head, reason, uuid(parts.random)),
    onDefect: (error) => parts.onDefect(error),
  };
}

/** A browser's upload: answered as the PutObject that it means. */
async function answerPost(parts: Parts, request: HttpRequest, gone: () => AbortSignal): Promise<HttpResponse> {
  let upload: PostUpload;
  try {
    upload = readPostUpload(request);
  } catch (error) {
    return new Exchange(parts, request, gone).refuse(error);
  }
  const response = await new Exchange(parts, upload.request, gone, upload).answer();
  return postAnswer(upload, response, request.headers['host'] ?? '');
}

/** Codes that say "you may not". */
const ruleCodes: ReadonlySet<string> = new Set(['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation']);

/** How a call ends whose client hung up while a fault held it. */
const hungUp: EndedCall['error'] = { code: 'ClientGone', message: '' };

/** One request on its way, and what the event will tell of it. */
class Exchange {
  readonly #parts: Parts;
  readonly #gone: () => AbortSignal;
  readonly #requestId: string;
  readonly #route: Route;
  readonly #received: HttpRequest;
  readonly #upload: PostUpload | undefined;
  /** As `authenticate` decoded it. */
  #request: HttpRequest;
  #credential: Credential | undefined;
  #principal: Principal = { type: 'Anonymous' };
  #verdict: Verdict = {};
  /** The first that the call needed. */
  #permission: Permission | undefined;
  #input: object | undefined;
  #faultId: string | undefined;
  /** Absent until it is known who asks for what. */
  #noteUse: (() => void) | undefined;
  #visibleAt: Millis | undefined;
  /** Who asks and what is known: what is refused from here on is refused by the service. */
  #isActing = false;

  /** `upload`: the form that stands for the request's signature. */
  constructor(parts: Parts, request: HttpRequest, gone: () => AbortSignal, upload?: PostUpload) {
    this.#parts = parts;
    this.#upload = upload;
    this.#received = request;
    this.#request = request;
    this.#gone = gone;
    this.#requestId = uuid(parts.random);
    this.#route = routeRequest(request);
  }

  async answer(): Promise<HttpResponse> {
    try {
      const output = await this.#output();
      const response = writeOutput(this.#route, output, this.#requestId);
      this.#tell(output, undefined);
      return this.#explained(response);
    } catch (error) {
      if (error === clientGone) {
        this.#tell(undefined, hungUp);
        throw error;
      }
      return this.refuse(error);
    }
  }

  /** Tells of the failure, and answers with it. */
  refuse(error: unknown): HttpResponse {
    const failure = this.#failureOf(error);
    if (failure !== undefined) this.#explainRule(failure);
    this.#tell(undefined, failure ?? { code: 'InternalFailure', message: '' });
    return this.#explained(writeFailure(this.#route, failure ?? error, this.#requestId));
  }

  async #output(): Promise<unknown> {
    const { faults, state, propagation } = this.#parts;
    this.#authenticate();
    const input = (this.#input = readInput(this.#route, this.#request)) as never;
    const operation = await this.#operation();
    if (!faults.isEmpty) await this.#fault('before');
    const prepared = (await operation.prepare?.(input, this.#call())) as never;
    const output = await state
      .transaction(
        () => this.#act(operation, input, prepared),
        (commits) => (this.#visibleAt = propagation.note(commits)),
      )
      .catch((error: unknown) => this.#noteRefused(error));
    // Who started an instance may ask its metadata service next.
    if (this.#route.service === 'ec2') await this.#parts.metadata.settle();
    if (!faults.isEmpty) await this.#fault('after');
    return output;
  }

  #authenticate(): void {
    const { wall, clock, signingKeys } = this.#parts;
    const world = this.#parts.world.seen;
    const time = { wall: wall.now(), emulated: clock.now() };
    const find = (id: string): Credential | undefined => findCredential(id, world);
    const found =
      this.#upload === undefined
        ? authenticate(this.#received, this.#route, find, time, signingKeys)
        : { credential: signerOf(this.#upload, find, time, signingKeys), request: this.#received };
    this.#credential = found.credential;
    this.#request = found.request;
    if (found.credential !== undefined) this.#principal = principalOf(found.credential, world);
  }

  async #operation(): Promise<Operation> {
    const { service, operation = '' } = this.#route;
    const offered = service === undefined ? undefined : (await this.#parts.services.get(service))?.operations;
    if (offered === undefined || !Object.hasOwn(offered, operation)) throw unsupportedOperation(this.#route);
    return offered[operation]!;
  }

  async #fault(when: 'before' | 'after'): Promise<void> {
    const { service = '', operation = '' } = this.#route;
    const point = { service, operation, account: this.#credential?.account ?? '', when };
    await this.#parts.faults.pass(point, this.#gone(), (id) => (this.#faultId = id));
  }

  /** A refused call counts as a use of its credential too, though everything else it did is undone. */
  async #noteRefused(error: unknown): Promise<never> {
    const note = this.#noteUse;
    if (note !== undefined && isFailure(error) && !error.code.startsWith('state-')) {
      await this.#parts.state.transaction(note);
    }
    throw error;
  }

  /** Decides and acts on one state: nothing changes between the two. */
  #act(operation: Operation, input: never, prepared: never): unknown {
    this.#checkStillValid();
    const call = this.#call();
    this.#isActing = true;
    const permissions = operation.permissions(input, call, prepared);
    this.#noteUse = () => noteUse(call, permissions);
    this.#judge(call, permissions);
    this.#noteUse();
    return operation.handle(input, call, prepared);
  }

  /** While this call waited for its turn, its credential may have died or its user or role changed. */
  #checkStillValid(): void {
    const world = this.#parts.world.seen;
    const credential = this.#credential;
    if (credential === undefined) return;
    if (this.#faultId !== undefined || findCredential(credential.accessKeyId, world) !== credential)
      this.#authenticate();
    else this.#principal = principalOf(credential, world);
  }

  #judge(call: Call, permissions: readonly Permission[] | 'permissionless'): void {
    if (permissions !== 'permissionless') this.#permission = permissions[0];
    this.#verdict = this.#parts.authorizer.judge(call, permissions);
    if (this.#verdict.refusal !== undefined) throw this.#verdict.refusal;
  }

  #call(): Call {
    const { world, clock, random, explanations, issuerKeys, trail } = this.#parts;
    const { service, operation, region } = this.#route;
    const { headers, remoteAddress, secure } = this.#request;
    const call: Call = {
      requestId: this.#requestId,
      service: service!,
      operation: operation!,
      account: this.#credential?.account ?? '',
      partition: world.partition,
      region,
      principal: this.#principal,
      credential: this.#credential,
      world,
      clock,
      random,
      refusal: (permission) => this.#itemRefusal(call, permission),
      decodeAuthorizationMessage: (encoded) => explanations.decode(encoded, call.account),
      issuerKeys,
      trail,
      http: {
        host: headers['host'] ?? '',
        sourceIp: remoteAddress,
        userAgent: headers['user-agent'] ?? '',
        secure,
        referer: headers['referer'],
        signing: () => this.#signing(),
      },
    };
    return call;
  }

  #signing(): SigningFacts | undefined {
    if (this.#credential === undefined) return undefined;
    const now = this.#parts.wall.now();
    return this.#upload === undefined ? signingFactsOf(this.#received, now) : postSigning(this.#upload, now);
  }

  /** The refusal of one item; the event and the answer's header tell of the last one. */
  #itemRefusal(call: Call, permission: Permission): Failure | undefined {
    const verdict = this.#parts.authorizer.judge(call, [permission]);
    if (verdict.decision === 'deny') this.#verdict = verdict;
    return verdict.refusal;
  }

  /** A call that the service refused by a rule of its own gets an explanation as well. */
  #explainRule(failure: Failure): void {
    const { explanations, authorizer } = this.#parts;
    const isDenial = this.#isActing && ruleCodes.has(failure.code) && authorizer.enforce !== 'off';
    if (!isDenial || this.#verdict.explainId !== undefined) return;
    const { service, operation } = this.#route;
    const request = {
      principal: 'arn' in this.#principal ? this.#principal.arn : this.#principal.type,
      action: `${service}:${operation}`,
      resource: this.#permission?.resource ?? '*',
      context: {},
    };
    const explainId = explanations.recordRule(request, failure.message, failure.hint);
    this.#verdict = { decision: 'deny', explainId };
  }

  /** What may leave as it is; undefined for a defect. */
  #failureOf(error: unknown): Failure | undefined {
    if (isFailure(error) && !error.code.startsWith('state-')) return error;
    this.#parts.onDefect(error);
    if (!isFailure(error)) return undefined;
    return awsFailure('ServiceUnavailable', 'The request has failed because the state could not be kept.', {
      status: 503,
    });
  }

  #explained(response: HttpResponse): HttpResponse {
    const { explainId } = this.#verdict;
    if (explainId === undefined) return response;
    return { ...response, headers: { ...response.headers, 'x-stint-explain-id': explainId } };
  }

  /** To the event log, and to CloudTrail unless nobody waited for the end. */
  #tell(output: unknown, error: EndedCall['error']): void {
    const { events, trail, world, clock } = this.#parts;
    const ended: EndedCall = {
      route: this.#route,
      request: this.#request,
      requestId: this.#requestId,
      at: clock.now(),
      principal: this.#principal,
      credential: this.#credential,
      permission: this.#permission,
      input: this.#input,
      output,
      error,
    };
    events.record(ended.at, callEvent(ended, { ...this.#verdict, faultId: this.#faultId, visibleAt: this.#visibleAt }));
    if (error !== hungUp) for (const event of trailEvents(ended, world)) trail.record(event);
  }
}
