// awsJson 1.0 and 1.1: every service a client addresses by `x-amz-target`. Input is
// checked against its shape, member by member; output drops what the shape does not have.
import { awsFailure } from '../failures.ts';
import { bodyText } from './form.ts';
import type { Member, OperationModel, ServiceModel, Structure } from './model.ts';
import { shapeOf, structureOf } from './models.ts';
import type { WireError } from './query.ts';
import { readTime, uriEncode } from './scalar.ts';

const maxBytes = 1_048_576;
/** DynamoDB developer guide, "Quotas": BatchWriteItem sends up to 16 MB. */
const dynamodbMaxBytes = 16_777_216;
const maxDepth = 32;
/** A value of DynamoDB nests 32 deep, and each step is two of JSON; what is deeper than that it refuses itself. */
const dynamodbMaxDepth = 160;

/** The most bytes of one request. */
export function jsonBodyLimit(service: string): number {
  return service === 'dynamodb' ? dynamodbMaxBytes : maxBytes;
}

function malformed(message: string): Error {
  return awsFailure('SerializationException', message, { status: 400 });
}

/** @throws `SerializationException` 400 for anything but an object of the operation's shape; `RequestEntityTooLarge` 413. */
export function readJsonInput(model: ServiceModel, operation: OperationModel, body: Uint8Array): object {
  const most = jsonBodyLimit(model.service);
  if (body.length > most) {
    throw awsFailure('RequestEntityTooLarge', `The request is larger than ${most} bytes`, { status: 413 });
  }
  const value = body.length === 0 ? {} : parse(bodyText(body));
  if (!isObject(value)) throw malformed('Start of structure or map found where not expected.');
  return operation.input === undefined ? {} : readStructure(model, structureOf(model, operation.input), value, 0);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('Unable to parse the request body as JSON');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readStructure(model: ServiceModel, shape: Structure, values: Record<string, unknown>, depth: number): object {
  const result: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(shape.members)) {
    if (!Object.hasOwn(values, name) || values[name] === null) continue;
    result[name] = readValue(model, member, values[name], name, depth + 1);
  }
  return result;
}

function readValue(model: ServiceModel, member: Member, value: unknown, place: string, depth: number): unknown {
  const deepest = model.service === 'dynamodb' ? dynamodbMaxDepth : maxDepth;
  if (depth > deepest) throw malformed(`The request is nested deeper than ${deepest}`);
  const shape = shapeOf(model, member);
  if (shape === undefined) return readSimple(member, value, place);
  if (shape.kind === 'list') {
    if (!Array.isArray(value)) throw malformed(`Expected a list at ${place}`);
    return value.map((item) => readValue(model, shape.member, item, place, depth + 1));
  }
  if (!isObject(value)) throw malformed(`Expected an object at ${place}`);
  if (shape.kind === 'structure') return readStructure(model, shape, value, depth);
  const entries = Object.entries(value).map(([key, one]): [string, unknown] => [
    key,
    readValue(model, shape.value, one, place, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

function readSimple(member: Member, value: unknown, place: string): unknown {
  const target = member.target ?? 'string';
  if (target === 'string' || target === 'number' || target === 'boolean') {
    // JSON.parse takes 1e999 for infinite.
    if (typeof value === target && value !== Infinity && value !== -Infinity) return value;
    throw malformed(`Expected a ${target} at ${place}`);
  }
  if (target === 'blob' || target === 'stream') {
    if (typeof value === 'string') return new Uint8Array(Buffer.from(value, 'base64'));
    throw malformed(`Expected base64 text at ${place}`);
  }
  const time = typeof value === 'number' || typeof value === 'string' ? readTime(String(value)) : undefined;
  if (time === undefined) throw malformed(`Expected a time at ${place}`);
  return time;
}

/** The body of the answer; `{}` for an operation without output. */
export function writeJsonOutput(model: ServiceModel, operation: OperationModel, output: object): string {
  if (operation.output === undefined) return '{}';
  return JSON.stringify(writeStructure(model, structureOf(model, operation.output), output as Record<string, unknown>));
}

function writeStructure(model: ServiceModel, shape: Structure, values: Readonly<Record<string, unknown>>): object {
  const result: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(shape.members)) {
    const value = values[name];
    if (value !== undefined && value !== null) result[name] = writeValue(model, member, value);
  }
  return result;
}

function writeValue(model: ServiceModel, member: Member, value: unknown): unknown {
  const shape = shapeOf(model, member);
  if (shape?.kind === 'list') return (value as readonly unknown[]).map((item) => writeValue(model, shape.member, item));
  if (shape?.kind === 'structure') return writeStructure(model, shape, value as Record<string, unknown>);
  if (shape?.kind === 'map') {
    const entries = Object.entries(value as object).map(([key, one]): [string, unknown] => [
      key,
      writeValue(model, shape.value, one),
    ]);
    return Object.fromEntries(entries);
  }
  if (value instanceof Date) return value.getTime() / 1000;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return member.uriEncoded === true ? uriEncode(String(value)) : value;
}

// Codes that every service of AWS has come from its frame; DynamoDB's own have its name before them.
const coralService = 'com.amazon.coral.service#';
const dynamodbNamespaces: Readonly<Record<string, string>> = {
  ValidationException: 'com.amazon.coral.validate#',
  AccessDeniedException: coralService,
  ExpiredTokenException: coralService,
  IncompleteSignatureException: coralService,
  InternalFailure: coralService,
  InvalidSignatureException: coralService,
  MissingAuthenticationTokenException: coralService,
  SerializationException: coralService,
  ServiceUnavailable: coralService,
  UnknownOperationException: coralService,
  UnrecognizedClientException: coralService,
};

/** `__type` as DynamoDB writes it, which clients compare with; other services write the code alone. */
function typeOf(service: string | undefined, code: string): string {
  if (service !== 'dynamodb') return code;
  const namespace = Object.hasOwn(dynamodbNamespaces, code) ? dynamodbNamespaces[code] : undefined;
  return `${namespace ?? 'com.amazonaws.dynamodb.v20120810#'}${code}`;
}

/** Services differ in the case of `message`, and SDKs accept both. */
export function writeJsonError(service: string | undefined, error: WireError): string {
  const { code, message, fields } = error;
  return JSON.stringify({ ...fields, __type: typeOf(service, code), Message: message, message });
}
