// Steps of a case over the wire, taken against an embedded AWS with the SDK's clients. What a step may say stands at
// the top of enforcement.test.ts.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { IAMClient, type AccessKey, type CreateVirtualMFADeviceResponse } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { OrganizationsClient } from '@aws-sdk/client-organizations';
import { S3Client } from '@aws-sdk/client-s3';
import { STSClient, type Credentials } from '@aws-sdk/client-sts';
import { parseDuration } from '../../src/base/index.ts';
import type { ServiceId } from '../../src/cloud/call.ts';
import type { Cloud } from '../../src/cloud/index.ts';
import { sendSigned, type RawRequest } from './raw.ts';
import { modules } from './sdk-modules.ts';
import { control, settled, type Answer, type Keys } from './support.ts';

interface Refused {
  readonly code: string;
  readonly status?: number;
  /** The whole message. */
  readonly message?: string;
  /** A part of the message. */
  readonly says?: string;
}

export interface Step {
  readonly as?: string;
  readonly call?: string;
  readonly in?: Readonly<Record<string, unknown>>;
  readonly region?: string;
  readonly save?: string;
  readonly answer?: unknown;
  readonly refused?: Refused;
  readonly user?: string;
  readonly statements?: readonly object[];
  readonly advance?: string;
  readonly token?: object;
  readonly totp?: string;
  readonly raw?: RawRequest;
}

interface SdkClient {
  send(command: object): Promise<object>;
  destroy(): void;
}

const clients: Readonly<Record<string, new (config: never) => SdkClient>> = {
  iam: IAMClient,
  sts: STSClient,
  organizations: OrganizationsClient,
  s3: S3Client,
  ec2: EC2Client,
  kms: KMSClient,
  dynamodb: DynamoDBClient,
  cloudtrail: CloudTrailClient,
};

const documentMembers: ReadonlySet<string> = new Set([
  'PolicyDocument',
  'AssumeRolePolicyDocument',
  'Policy',
  'Content',
  'ResourcePolicy',
]);

/** A case on its way: what was saved, and the embedded AWS it runs on. */
export class Run implements Disposable {
  readonly #cloud: Cloud;
  readonly #saved = new Map<string, unknown>();
  readonly #clients = new Map<string, SdkClient>();

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  /** @throws when it does not go as the step says */
  async step(step: Step): Promise<void> {
    if (step.advance !== undefined) this.#cloud.clock.advance(parseDuration(step.advance) * 1000);
    else if (step.user !== undefined) await this.#user(step);
    else if (step.token !== undefined) await this.#token(step.token, step.save!);
    else if (step.totp !== undefined) this.#saved.set(step.save!, this.#codes(step.totp));
    else if (step.raw !== undefined) await this.#raw(step, step.raw);
    else await this.#call(step);
  }

  async #raw(step: Step, raw: RawRequest): Promise<void> {
    const answer = await sendSigned(this.#cloud.endpoint, this.filled(raw) as RawRequest, this.#keysOf(step.as!));
    const { code, status, message, says = '' } = (this.filled(step.refused) ?? {}) as Partial<Refused>;
    const json: unknown = answer.text.startsWith('{') ? JSON.parse(answer.text) : undefined;
    const told = { ...errorOf(answer), status: answer.status, headers: answer.headers, text: answer.text, json };
    const wanted = {
      ...(code === undefined ? { status: 200 } : { code }),
      ...(status === undefined ? {} : { status }),
    };
    assert.partialDeepStrictEqual(told, { ...wanted, ...(message === undefined ? {} : { message }) });
    assert.ok(told.message.includes(says), `${told.message} does not say “${says}”`);
    if (step.answer !== undefined) assert.partialDeepStrictEqual(told, this.filled(step.answer));
    if (step.save !== undefined) this.#saved.set(step.save, told);
  }

  async #call(step: Step): Promise<void> {
    const outcome = await this.send(step.as!, step.call!, step.in ?? {}, step.region);
    if (step.refused !== undefined) return this.#checkRefusal(outcome, step.refused, step.call!);
    if (outcome instanceof Error) throw new Error(`${step.call} as ${step.as}: ${outcome.name}: ${outcome.message}`);
    if (step.answer !== undefined) assert.partialDeepStrictEqual(plain(outcome), plain(this.filled(step.answer)));
    if (step.save !== undefined) this.#saved.set(step.save, outcome);
  }

  #checkRefusal(outcome: object, refused: Refused, call: string): void {
    assert.ok(outcome instanceof Error, `${call} was allowed, with ${JSON.stringify(plain(outcome))}`);
    const { name, message, $metadata } = outcome as Error & { $metadata?: { httpStatusCode?: number } };
    const told = { code: name, status: $metadata?.httpStatusCode, message };
    const { says, ...rest } = this.filled(refused) as Refused;
    assert.partialDeepStrictEqual(told, rest);
    if (says !== undefined) assert.ok(message.includes(says), `${JSON.stringify(told)} does not say “${says}”`);
  }

  /** What the virtual device that was saved as `device` shows now, showed 30 seconds ago and will show in 30 seconds. */
  #codes(device: string): object {
    const made = this.#saved.get(device) as CreateVirtualMFADeviceResponse;
    const seed = Buffer.from(made.VirtualMFADevice!.Base32StringSeed!).toString();
    const step = Math.floor(this.#cloud.clock.now() / 30_000);
    return { before: codeOf(seed, step - 1), now: codeOf(seed, step), next: codeOf(seed, step + 1) };
  }

  async #token(order: object, save: string): Promise<void> {
    const { status, body } = await control(this.#cloud, 'POST', 'tokens', order);
    assert.equal(status, 200, JSON.stringify(body));
    this.#saved.set(save, body);
  }

  async #user({ as = '', user = '', statements = [] }: Step): Promise<void> {
    const make = async (call: string, input: object): Promise<object> => {
      const outcome = await this.send(as, call, { UserName: user, ...input });
      if (outcome instanceof Error) throw outcome;
      return outcome;
    };
    await make('iam:CreateUser', {});
    const PolicyDocument = { Version: '2012-10-17', Statement: statements };
    if (statements.length > 0) await make('iam:PutUserPolicy', { PolicyName: 'own', PolicyDocument });
    this.#saved.set(user, await make('iam:CreateAccessKey', {}));
  }

  /** The answer, or the error the client threw. */
  async send(as: string, call: string, input: object, region = 'us-east-1'): Promise<object> {
    const [service, operation] = call.split(':') as [string, string];
    const Command = modules[service as ServiceId][`${operation}Command`] as new (input: object) => object;
    try {
      return await this.#clientOf(service, this.#keysOf(as), region).send(new Command(this.filled(input) as object));
    } catch (error) {
      return error as Error;
    }
  }

  /** Made once for each caller: making one takes longer than most calls. */
  #clientOf(service: string, keys: Keys | undefined, region: string): SdkClient {
    const name = `${service} ${region} ${keys?.accessKeyId}`;
    let client = this.#clients.get(name);
    if (client === undefined) {
      const unsigned = { signer: { sign: async (request: object) => request } };
      client = new clients[service]!({
        ...settled,
        endpoint: this.#cloud.endpoint,
        region,
        forcePathStyle: true,
        credentials: keys ?? { accessKeyId: 'none', secretAccessKey: 'none' },
        ...(keys === undefined ? unsigned : {}),
      } as never);
      this.#clients.set(name, client);
    }
    return client;
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client.destroy();
  }

  #keysOf(as: string): Keys | undefined {
    if (as === 'nobody') return undefined;
    const [stage, root] = as.split(':');
    const account = Object.values(this.#cloud.credentials.accounts).find((one) => one.stage === stage);
    if (account !== undefined) return root === 'root' ? account.root : account;
    const saved = this.#saved.get(as) as
      | { readonly AccessKey?: AccessKey; readonly Credentials?: Credentials }
      | undefined;
    const found = saved?.Credentials ?? saved?.AccessKey;
    assert.ok(found !== undefined, `nobody is called ${as}`);
    return {
      accessKeyId: found.AccessKeyId!,
      secretAccessKey: found.SecretAccessKey!,
      sessionToken: 'SessionToken' in found ? found.SessionToken : undefined,
    };
  }

  /** `value` with what was saved in the place of `${…}`, and documents as text. */
  filled(value: unknown): unknown {
    if (typeof value === 'string')
      return value.replace(/\$\{([\w-]+)((?:\.\w+)+)\}/g, (_, name, path) => this.#read(name, path));
    if (Array.isArray(value)) return value.map((item) => this.filled(item));
    if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
      return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => {
        const filled = this.filled(one);
        const isDocument = documentMembers.has(key) && typeof filled === 'object';
        return [key, isDocument ? JSON.stringify(filled) : filled];
      }),
    );
  }

  #read(name: string, path: string): string {
    const found = path
      .slice(1)
      .split('.')
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], this.#saved.get(name));
    assert.ok(typeof found === 'string' || typeof found === 'number', `no text was saved as ${name}${path}`);
    return String(found);
  }
}

/** The one-time password of RFC 6238 for a seed in base 32. */
function codeOf(seed: string, step: number): string {
  const bits = seed
    .match(/./g)!
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'));
  const bytes = bits
    .join('')
    .match(/.{8}/g)!
    .map((byte) => Number.parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', Buffer.from(bytes)).update(counter).digest();
  return String((digest.readUInt32BE(digest.at(-1)! & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** What an answer refuses with, in XML or JSON; empty when it refuses nothing. */
function errorOf({ text, headers }: Answer): { readonly code: string; readonly message: string } {
  const [, code = '', message = ''] = /<Code>(.*?)<\/Code>\s*<Message>([^]*?)<\/Message>/.exec(text) ?? [];
  if (!text.startsWith('{')) return { code, message: unescaped(message) };
  const body = JSON.parse(text) as { __type?: string; message?: string; Message?: string };
  const type = body.__type ?? String(headers['x-amzn-errortype'] ?? '');
  return { code: type.replace(/^.*#/, ''), message: body.message ?? body.Message ?? '' };
}

function unescaped(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => named[name]!);
}

/** Documents that come back as text are read, so that a case can tell them by their parts. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, one: unknown) => {
      // What S3 streams is not looked at.
      if (key === '$metadata' || key === 'Body') return undefined;
      if (typeof one !== 'string' || !/(?:Document|Policy|Content)$/.test(key)) return one;
      const text = one.startsWith('%') ? decodeURIComponent(one) : one;
      return text.startsWith('{') ? (JSON.parse(text) as unknown) : one;
    }),
  );
}
