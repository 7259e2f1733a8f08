// SDK clients whose requests are answered in this process, without a socket.
import { Readable } from 'node:stream';
import { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { OrganizationsClient } from '@aws-sdk/client-organizations';
import { S3Client } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import type { ServiceId } from '../../../src/cloud/call.ts';
import type { HttpRequest, HttpResponse } from '../../../src/cloud/http.ts';

export interface SdkClient {
  send(command: object): Promise<object>;
}

/** What the SDK hands to its request handler. */
interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly port?: number;
  readonly body?: unknown;
}

export interface SdkOptions {
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  readonly region?: string;
  readonly pathStyle?: boolean;
  readonly checksums?: boolean;
}

// The S3 client warns on the console of a PutObject without a body.
const quiet = (): void => undefined;

const clients: Readonly<Record<ServiceId, new (config: never) => SdkClient>> = {
  iam: IAMClient,
  sts: STSClient,
  organizations: OrganizationsClient,
  s3: S3Client,
  ec2: EC2Client,
  kms: KMSClient,
  dynamodb: DynamoDBClient,
  cloudtrail: CloudTrailClient,
};

/** A client of the service; `answer` takes the place of the network. */
export function clientOf(
  service: ServiceId,
  answer: (request: HttpRequest) => HttpResponse,
  options: SdkOptions = {},
): SdkClient {
  const checksums = options.checksums === true ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED';
  const config = {
    region: options.region ?? 'us-east-1',
    endpoint: 'http://localhost:4566',
    credentials: {
      accessKeyId: options.accessKeyId ?? 'AKIAEXAMPLE',
      secretAccessKey: options.secretAccessKey ?? 'secret',
      ...(options.sessionToken === undefined ? {} : { sessionToken: options.sessionToken }),
    },
    maxAttempts: 1,
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    forcePathStyle: options.pathStyle ?? true,
    requestChecksumCalculation: checksums,
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      handle: async (request: SdkRequest) => ({ response: sdkResponse(answer(await httpRequest(request))) }),
    },
  };
  return new clients[service](config as never);
}

async function httpRequest(request: SdkRequest): Promise<HttpRequest> {
  const host = request.port === undefined ? request.hostname : `${request.hostname}:${request.port}`;
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value.trim()]),
  );
  return {
    method: request.method,
    path: request.path,
    query: queryText(request.query),
    headers: { host, ...headers },
    body: await bytesOf(request.body),
    remoteAddress: '127.0.0.1',
    secure: false,
  };
}

function queryText(query: SdkRequest['query']): string {
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  return Object.entries(query)
    .flatMap(([name, value]) =>
      value === null ? [encode(name)] : [value].flat().map((one) => `${encode(name)}=${encode(one)}`),
    )
    .join('&');
}

async function bytesOf(body: unknown): Promise<Uint8Array> {
  if (body === undefined || body === null) return new Uint8Array();
  if (typeof body === 'string') return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body as AsyncIterable<Uint8Array | string>) chunks.push(Buffer.from(chunk as Uint8Array));
  return new Uint8Array(Buffer.concat(chunks));
}

function sdkResponse(response: HttpResponse): object {
  const body = typeof response.body === 'string' ? Buffer.from(response.body) : Buffer.from(response.body);
  return {
    statusCode: response.status,
    headers: { ...response.headers },
    body: Readable.from([body], { objectMode: false }),
  };
}
