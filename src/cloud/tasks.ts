// Tasks of ECS, as far as their role goes: each gets its credentials at an address of its own, as the container
// credential provider of every SDK asks for them. Promises: the role is asked for anew each time, so one that was
// deleted or no longer trusts ECS gives nothing more; who has not the task's token gets nothing.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
import { timingSafeEqual } from 'node:crypto';
import { isFailure, isoSeconds, randomText, Secret, type Millis } from '../base/index.ts';
import { evaluate } from '../policy/index.ts';
import type { Explanations } from './explain.ts';
import { cloudFailure } from './failures.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { checkOrigin } from './local-origin.ts';
import { sourceKeys } from './request-context.ts';
import {
  assumption,
  sessionFor,
  type RoleCredential,
  type ServiceSession,
  type SessionParts,
} from './service-session.ts';
import { find, roleNoun } from './services/iam/entities.ts';
import type { Role } from './services/iam/model.ts';
import { isClosed } from './services/organizations/tree.ts';
import { tableName } from './world.ts';

/** What tasks need of the embedded AWS around them. */
export interface TaskParts extends SessionParts {
  readonly explanations: Explanations;
  /** Names under which this server may be addressed. */
  readonly hosts: ReadonlySet<string>;
}

interface Task {
  readonly id: string;
  readonly account: string;
  readonly roleArn: string;
  readonly token: Secret;
  readonly startedAt: Millis;
}

/** One row of `GET /_stint/tasks`. */
export interface TaskView {
  readonly taskArn: string;
  readonly roleArn: string;
  readonly region: string;
  readonly startedAt: string;
}

/** What `POST /_stint/tasks` answers. */
export interface StartedTask extends TaskView {
  readonly taskId: string;
  /** For `AWS_CONTAINER_CREDENTIALS_FULL_URI`. */
  readonly credentialsUri: string;
  /** For `AWS_CONTAINER_AUTHORIZATION_TOKEN`, or the file that `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` names. */
  readonly authorizationToken: string;
}

/** Account `''`; id: the task's. */
const tasks = tableName<Task>('ecs.tasks');

const service = 'ecs-tasks.amazonaws.com';
const address = /^\/_stint\/tasks\/([0-9a-f]{32})\/credentials\/?$/;

/** True for what a program in a task asks, and not who holds the control token. */
export function isTaskRequest({ path }: HttpRequest): boolean {
  return address.test(path);
}

/** The tasks of one embedded AWS. */
export class Tasks {
  readonly #parts: TaskParts;

  constructor(parts: TaskParts) {
    this.#parts = parts;
  }

  /**
   * Starts a task with a role, to be reached at `origin`.
   * @throws Failure `no-such-role`, or `role-not-trusting` when the role does not trust ECS.
   */
  async start(roleArn: string, origin: string): Promise<StartedTask> {
    const { state, world, clock, random, explanations } = this.#parts;
    const role = this.#role(roleArn);
    if (role === undefined) {
      throw cloudFailure('no-such-role', `there is no role \`${roleArn.slice(0, 200)}\``, {
        hint: 'write the whole ARN of a role, with its path, as `aws iam get-role` shows it',
      });
    }
    const id = randomText(random, 32, '0123456789abcdef');
    const token = new Secret(Buffer.from(random.bytes(32)).toString('base64url'));
    const task: Task = { id, account: accountOf(roleArn), roleArn, token, startedAt: clock.now() };
    const request = assumption(this.#session(task, role), this.#parts);
    if (evaluate(request).decision !== 'allow') {
      throw cloudFailure('role-not-trusting', `ECS was unable to assume the role \`${roleArn}\``, {
        hint: `its trust policy must let \`${service}\` do \`sts:AssumeRole\`; \`stint cloud explain ${explanations.record(request)}\` says more`,
      });
    }
    await state.transaction(() => world.table(tasks).put('', id, task));
    const credentialsUri = `${reachable(origin)}/_stint/tasks/${id}/credentials`;
    return { taskId: id, ...this.#view(task), credentialsUri, authorizationToken: token.reveal() };
  }

  list(): readonly TaskView[] {
    return [...this.#parts.world.table(tasks).list('')].map(([, task]) => this.#view(task));
  }

  /** The credentials it was given stay good until they expire, as those of a stopped task do. */
  async stop(id: string): Promise<void> {
    const { state, world } = this.#parts;
    const known = world.table(tasks).get('', id) !== undefined;
    if (!known)
      throw cloudFailure('no-such-task', `there is no task \`${id.slice(0, 100)}\``, {
        hint: 'a reset ends all tasks',
      });
    await state.transaction(() => world.table(tasks).delete('', id));
  }

  /** Answers a request for which `isTaskRequest` is true. Never throws for what is asked. */
  async answer(request: HttpRequest): Promise<HttpResponse> {
    try {
      checkOrigin(request, this.#parts.hosts);
    } catch (error) {
      if (isFailure(error)) return refusal(403, 'Forbidden', error.message);
      throw error;
    }
    if (request.method !== 'GET')
      return refusal(405, 'MethodNotAllowed', 'credentials are read with GET', { allow: 'GET' });
    const task = this.#parts.world.table(tasks).get('', address.exec(request.path)![1]!);
    if (task === undefined) return refusal(400, 'InvalidIdInRequest', 'CredentialsV2Request: Credentials not found');
    if (!isToken(request.headers['authorization'], task.token)) {
      return refusal(401, 'Unauthorized', 'the authorization token is missing or is not that of the task');
    }
    return await this.#credentials(task);
  }

  async #credentials(task: Task): Promise<HttpResponse> {
    const role = this.#role(task.roleArn);
    if (role === undefined) return refusal(400, 'NoCredentialsAssociated', `the role ${task.roleArn} does not exist`);
    const session = this.#session(task, role);
    const credential = await sessionFor(session, this.#parts);
    if (credential !== undefined) return json(200, shapeOf(task, credential));
    const explainId = this.#parts.explanations.record(assumption(session, this.#parts));
    return refusal(400, 'AccessDenied', `ECS is unable to assume the role ${task.roleArn}`, {
      'x-stint-explain-id': explainId,
    });
  }

  #role(arn: string): Role | undefined {
    const { world } = this.#parts;
    const [, account, name] = /^arn:[\w-]+:iam::(\d{12}):role\/(?:[^/]+\/)*([^/]+)$/.exec(arn) ?? [];
    if (account === undefined || name === undefined || isClosed(world, account)) return undefined;
    const role = find(roleNoun, { world, account }, name);
    return role?.arn === arn ? role : undefined;
  }

  /** The session is named by the task; ECS tells of the account and region, but of no cluster and no task. */
  #session({ id, account }: Task, role: Role): ServiceSession {
    const { world } = this.#parts;
    const source = `arn:${world.partition}:ecs:${world.region}:${account}:*`;
    return {
      key: `ecs/${id}`,
      role,
      account,
      service,
      sessionName: id,
      callKeys: sourceKeys(source, account, world),
    };
  }

  #view({ id, account, roleArn, startedAt }: Task): TaskView {
    const { partition, region } = this.#parts.world;
    const taskArn = `arn:${partition}:ecs:${region}:${account}:task/default/${id}`;
    return { taskArn, roleArn, region, startedAt: isoSeconds(startedAt) };
  }
}

function accountOf(arn: string): string {
  return arn.split(':')[4]!;
}

/** SDKs take an address without TLS only of this machine, and an address that means all of them is none. */
function reachable(origin: string): string {
  return origin.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

function isToken(given: string | undefined, token: Secret): boolean {
  // A token file often ends in a line feed, which some SDKs send as a blank.
  const text = Buffer.from((given ?? '').trim());
  const right = Buffer.from(token.reveal());
  return text.length === right.length && timingSafeEqual(text, right);
}

// SECURITY: here the keys of the role leave, to who showed the task's token.
function shapeOf({ roleArn }: Task, { accessKeyId, secretAccessKey, session }: RoleCredential): object {
  return {
    RoleArn: roleArn,
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey.reveal(),
    Token: session.token.reveal(),
    Expiration: isoSeconds(session.expiresAt),
  };
}

/** The agent of ECS writes its members small and gives the status again; SDKs for JavaScript and Rust read them written large. */
function refusal(
  status: number,
  code: string,
  message: string,
  headers?: Readonly<Record<string, string>>,
): HttpResponse {
  return json(status, { code, message, HTTPErrorCode: status, Code: code, Message: message }, headers);
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}
