// A kept event as the JSON record that people know, and as LookupEvents lists it.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
import { createHash } from 'node:crypto';
import type { Event, Resource } from '@aws-sdk/client-cloudtrail';
import { isoSeconds } from '../../../base/index.ts';
import type { ServiceId } from '../../call.ts';
import { serviceModel } from '../../protocol/models.ts';
import type { TrailEvent } from '../../trail.ts';
import { eventName, isRead } from './catalog.ts';
import { userIdentity, userName } from './identity.ts';
import { resourcesOf } from './resources.ts';

export function eventSource(service: ServiceId): string {
  return `${service}.amazonaws.com`;
}

/** An id of the event alone, or with `shared` of the call that two histories tell. Made when it is asked for: a random one would cost every call. */
export function eventId({ requestId, account }: TrailEvent, shared: boolean = false): string {
  const digest = createHash('sha256')
    .update(shared ? requestId : `${requestId} ${account}`)
    .digest('hex');
  const variant = '89ab'[Number.parseInt(digest[16]!, 16) % 4]!;
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

/** What a lookup compares with. */
export interface Listed {
  readonly event: TrailEvent;
  readonly name: string;
  readonly readOnly: string;
  readonly userName: string | undefined;
  readonly source: string;
  readonly resources: readonly Resource[];
}

export function listed(event: TrailEvent): Listed {
  const { service, operation } = event;
  return {
    event,
    name: eventName(service, operation),
    readOnly: String(isRead(service, operation)),
    userName: userName(event),
    source: eventSource(service),
    resources: resourcesOf(event),
  };
}

export function eventShape({ event, name, readOnly, userName: user, source, resources }: Listed): Event {
  const isStranger = 'account' in event.principal && event.principal.account !== event.account;
  return {
    EventId: eventId(event),
    EventName: name,
    ReadOnly: readOnly,
    ...(event.accessKeyId === undefined || isStranger ? {} : { AccessKeyId: event.accessKeyId }),
    // Whole seconds, as in the record.
    EventTime: new Date(Math.floor(event.at / 1000) * 1000),
    EventSource: source,
    ...(user === undefined ? {} : { Username: user }),
    Resources: [...resources],
    CloudTrailEvent: JSON.stringify(record(event)),
  };
}

function record(event: TrailEvent): object {
  const { service, operation, error, shared, secure } = event;
  return {
    eventVersion: '1.11',
    userIdentity: userIdentity(event),
    eventTime: isoSeconds(event.at),
    eventSource: eventSource(service),
    eventName: eventName(service, operation),
    awsRegion: event.region,
    sourceIPAddress: event.sourceIp,
    userAgent: event.userAgent,
    ...(error === undefined ? {} : { errorCode: errorCode(service, error.code), errorMessage: error.message }),
    requestParameters: event.parameters,
    responseElements: event.answer,
    ...(service === 's3' ? { additionalEventData: { SignatureVersion: 'SigV4' } } : {}),
    requestID: event.requestId,
    eventID: eventId(event),
    readOnly: isRead(service, operation),
    ...touched(event),
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: event.account,
    ...(shared ? { sharedEventID: eventId(event, true) } : {}),
    eventCategory: 'Management',
    // The version is not known here; a call without TLS has none of it.
    ...(secure ? { tlsDetails: { clientProvidedHostHeader: event.host } } : {}),
  };
}

const resourceTypes: Partial<Record<ServiceId, string>> = {
  kms: 'AWS::KMS::Key',
  s3: 'AWS::S3::Bucket',
  dynamodb: 'AWS::DynamoDB::Table',
};

/** `resources`: which services fill it, and for STS only where a role is assumed. */
function touched({ service, operation, resource }: TrailEvent): object {
  const type = service === 'sts' && operation.startsWith('AssumeRole') ? 'AWS::IAM::Role' : resourceTypes[service];
  if (type === undefined || resource === undefined) return {};
  return { resources: [{ accountId: resource.account, type, ARN: resource.arn }] };
}

/** IAM's and STS's codes are the names of their exceptions here; EC2's say whose fault it is. */
function errorCode(service: ServiceId, code: string): string {
  if (code === 'AccessDeniedException') return 'AccessDenied';
  if (service === 'ec2') return code === 'InternalError' ? `Server.${code}` : `Client.${code}`;
  if (service !== 'iam' && service !== 'sts') return code;
  const { errors } = serviceModel(service);
  return Object.hasOwn(errors, code) ? errors[code]!.shape : code;
}
