// Credentials of a user that work with one service only: Git passwords, and API keys that may end by themselves.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_service-specific-creds.html
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call, type Permission } from '../../call.ts';
import {
  ownerPrefix,
  serviceCredentialOwners,
  serviceCredentials,
  serviceLogins,
  settableStatus,
  type ServiceCredential,
} from './credential-model.ts';
import { arnOf, idsUnder, need, permissionOn, rowId, userNameOf, userNoun } from './entities.ts';
import { noSuchEntity, quotaExceeded, validationError } from './failures.ts';
import { uniqueId } from './ids.ts';
import { users, type User } from './model.ts';
import { afterMarker, pageOf } from './page.ts';
import type { Parsed } from './shapes.ts';

/**
 * Services, and how the secrets of their API keys begin; a service without has a user name and a password.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_api_keys_for_aws_services.html
 */
const services: Readonly<Record<string, { readonly keyPrefix?: string }>> = {
  'codecommit.amazonaws.com': {},
  'cassandra.amazonaws.com': {},
  'bedrock.amazonaws.com': { keyPrefix: 'ABSK' },
  'logs.amazonaws.com': { keyPrefix: 'ACWL' },
  'cloudwatch.amazonaws.com': { keyPrefix: 'APIAACWM' },
  'aws-external-anthropic.amazonaws.com': { keyPrefix: 'AEAA' },
};

const dayMillis = 86_400_000;

/** The service's name as AWS writes it. @throws NoSuchEntity */
function needService(given: string): string {
  const name = given.toLowerCase();
  if (!Object.hasOwn(services, name)) {
    throw noSuchEntity(`No such service ${given} is supported for Service Specific Credentials`);
  }
  return name;
}

interface Reference {
  readonly UserName?: string | undefined;
  readonly ServiceSpecificCredentialId: string;
}

function rowOf(user: User, id: string): string {
  return ownerPrefix(user) + id;
}

/** @throws NoSuchEntity, ValidationError when it is another user's */
function needCredential(call: Call, user: User, id: string): ServiceCredential {
  const owner = call.world.table(serviceCredentialOwners).get(call.account, id);
  if (owner === undefined) throw noSuchEntity(`No such credential ${id} exists`);
  if (owner.user !== rowId(user.name)) {
    throw validationError(`User ${user.name} does not have a service specific credential with id ${id}`);
  }
  return call.world.table(serviceCredentials).get(call.account, rowOf(user, id))!;
}

/** Permission to change a credential: which service it is for is known from what is stored. */
function permissionToChange(call: Call, action: string, input: Reference): readonly Permission[] {
  const owner = call.world.table(serviceCredentialOwners).get(call.account, input.ServiceSpecificCredentialId);
  const row = `${owner?.user ?? ''}/${input.ServiceSpecificCredentialId}`;
  const service = call.world.table(serviceCredentials).get(call.account, row)?.service;
  const keys = { 'iam:ServiceSpecificCredentialServiceName': service };
  return [permissionOn(userNoun, call, action, userNameOf(input, call), keys)];
}

function metadata(call: Call, user: string, credential: ServiceCredential): Sdk.ServiceSpecificCredentialMetadata {
  const { expiresAt } = credential;
  const expired = expiresAt !== undefined && expiresAt <= call.clock.now();
  return {
    UserName: user,
    Status: expired ? 'Expired' : credential.status,
    ...(services[credential.service]?.keyPrefix === undefined
      ? { ServiceUserName: credential.login }
      : { ServiceCredentialAlias: credential.login }),
    CreateDate: new Date(credential.createdAt),
    ...(expiresAt === undefined ? {} : { ExpirationDate: new Date(expiresAt) }),
    ServiceSpecificCredentialId: credential.id,
    ServiceName: credential.service,
  };
}

/** The credential with a new secret. Nothing here signs in with it, so it is shown and not kept. */
function withSecret(call: Call, user: User, credential: ServiceCredential): Sdk.ServiceSpecificCredential {
  const password = Buffer.from(call.random.bytes(45)).toString('base64');
  const prefix = services[credential.service]?.keyPrefix;
  const secret = `${prefix}${Buffer.from(`${credential.login}:${password}`).toString('base64')}`;
  return {
    ...metadata(call, user.name, credential),
    ...(prefix === undefined ? { ServicePassword: password } : { ServiceCredentialSecret: secret }),
  };
}

/** The first free of `jane-at-111111111111`, `jane+1-at-111111111111`… */
function freeLogin(call: Call, user: User, service: string): string {
  for (let number = 0; ; number++) {
    const login = `${user.name}${number === 0 ? '' : `+${number}`}-at-${call.account}`;
    if (call.world.table(serviceLogins).get(call.account, loginRow(service, login)) === undefined) return login;
  }
}

function loginRow(service: string, login: string): string {
  return `${service} ${login.toLowerCase()}`;
}

const createServiceSpecificCredential = operation<
  Parsed<Sdk.CreateServiceSpecificCredentialRequest>,
  Sdk.CreateServiceSpecificCredentialResponse
>({
  permissions: (input, call) => [
    permissionOn(userNoun, call, 'CreateServiceSpecificCredential', input.UserName, {
      'iam:ServiceSpecificCredentialServiceName': input.ServiceName.toLowerCase(),
      'iam:ServiceSpecificCredentialAgeDays': input.CredentialAgeDays?.toString(),
    }),
  ],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const service = needService(input.ServiceName);
    const limit = call.world.quotas.ServiceSpecificCredentialsPerUser;
    const existing = [...idsUnder(call, serviceCredentials, ownerPrefix(user))];
    if (existing.filter(([, row]) => row.service === service).length >= limit) {
      throw quotaExceeded('ContextSpecificCredentialsPerUserPerContext', limit);
    }
    const createdAt = call.clock.now();
    const credential: ServiceCredential = {
      id: uniqueId(call.random, 'ACCA'),
      service,
      login: freeLogin(call, user, service),
      status: 'Active',
      createdAt,
      expiresAt: input.CredentialAgeDays === undefined ? undefined : createdAt + input.CredentialAgeDays * dayMillis,
    };
    call.world.table(serviceCredentials).put(call.account, rowOf(user, credential.id), credential);
    call.world.table(serviceCredentialOwners).put(call.account, credential.id, { user: rowId(user.name) });
    call.world.table(serviceLogins).put(call.account, loginRow(service, credential.login), true);
    return { ServiceSpecificCredential: withSecret(call, user, credential) };
  },
});

const listServiceSpecificCredentials = operation<
  Parsed<Sdk.ListServiceSpecificCredentialsRequest>,
  Sdk.ListServiceSpecificCredentialsResponse
>({
  permissions: (input, call) =>
    input.AllUsers === true
      ? [{ action: 'iam:ListServiceSpecificCredentials', resource: arnOf(call, 'user', '/', '*') }]
      : [permissionOn(userNoun, call, 'ListServiceSpecificCredentials', userNameOf(input, call))],
  handle: (input, call) => {
    if (input.AllUsers === true && input.UserName !== undefined) {
      throw validationError('UserName and AllUsers cannot be specified together');
    }
    const prefix = input.AllUsers === true ? '' : ownerPrefix(need(userNoun, call, userNameOf(input, call)));
    const service = input.ServiceName ? needService(input.ServiceName) : undefined;
    const rows = idsUnder(call, serviceCredentials, prefix, afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (credential, id) => {
      if (service !== undefined && credential.service !== service) return undefined;
      const owner = (prefix + id).split('/', 1)[0]!;
      return metadata(call, call.world.table(users).get(call.account, owner)?.name ?? owner, credential);
    });
    return { ServiceSpecificCredentials: [...items], ...page };
  },
});

const updateServiceSpecificCredential = operation<Parsed<Sdk.UpdateServiceSpecificCredentialRequest>, void>({
  permissions: (input, call) => permissionToChange(call, 'UpdateServiceSpecificCredential', input),
  handle: (input, call) => {
    const user = need(userNoun, call, userNameOf(input, call));
    const status = settableStatus(input.Status);
    const credential = needCredential(call, user, input.ServiceSpecificCredentialId);
    call.world.table(serviceCredentials).put(call.account, rowOf(user, credential.id), { ...credential, status });
  },
});

const resetServiceSpecificCredential = operation<
  Parsed<Sdk.ResetServiceSpecificCredentialRequest>,
  Sdk.ResetServiceSpecificCredentialResponse
>({
  permissions: (input, call) => permissionToChange(call, 'ResetServiceSpecificCredential', input),
  handle: (input, call) => {
    const user = need(userNoun, call, userNameOf(input, call));
    const credential = needCredential(call, user, input.ServiceSpecificCredentialId);
    return { ServiceSpecificCredential: withSecret(call, user, credential) };
  },
});

const deleteServiceSpecificCredential = operation<Parsed<Sdk.DeleteServiceSpecificCredentialRequest>, void>({
  permissions: (input, call) => permissionToChange(call, 'DeleteServiceSpecificCredential', input),
  handle: (input, call) => {
    const user = need(userNoun, call, userNameOf(input, call));
    const credential = needCredential(call, user, input.ServiceSpecificCredentialId);
    call.world.table(serviceCredentials).delete(call.account, rowOf(user, credential.id));
    call.world.table(serviceCredentialOwners).delete(call.account, credential.id);
    call.world.table(serviceLogins).delete(call.account, loginRow(credential.service, credential.login));
  },
});

export const serviceCredentialOperations = {
  CreateServiceSpecificCredential: createServiceSpecificCredential,
  ListServiceSpecificCredentials: listServiceSpecificCredentials,
  UpdateServiceSpecificCredential: updateServiceSpecificCredential,
  ResetServiceSpecificCredential: resetServiceSpecificCredential,
  DeleteServiceSpecificCredential: deleteServiceSpecificCredential,
};
