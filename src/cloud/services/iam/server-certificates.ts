// TLS certificates of an account, for load balancers and distributions.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_server-certs.html
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call } from '../../call.ts';
import { checkKeyMaterial, tidyPem } from './certificate-text.ts';
import { serverCertificates, type ServerCertificate } from './credential-model.ts';
import {
  arnOf,
  find,
  need,
  permissionOn,
  permissionOnKind,
  permissionToMake,
  rowId,
  save,
  type Noun,
} from './entities.ts';
import { alreadyExists, quotaExceeded } from './failures.ts';
import { uniqueId } from './ids.ts';
import { afterMarker, pageOf } from './page.ts';
import type { Parsed } from './shapes.ts';
import { checkTags, mergeTags, requestTagKeys } from './tags.ts';

export const serverCertificateNoun: Noun<ServerCertificate> = {
  label: 'ServerCertificate',
  nameKey: 'ServerCertificateName',
  type: 'server-certificate',
  table: serverCertificates,
  missing: (name) => `The Server Certificate with name ${name} cannot be found.`,
};

function metadata(certificate: ServerCertificate): Sdk.ServerCertificateMetadata {
  return {
    Path: certificate.path,
    ServerCertificateName: certificate.name,
    ServerCertificateId: certificate.id,
    Arn: certificate.arn,
    UploadDate: new Date(certificate.uploadedAt),
    Expiration: new Date(certificate.expiresAt),
  };
}

/** @throws EntityAlreadyExists */
function checkFree(call: Call, name: string): void {
  if (find(serverCertificateNoun, call, name) === undefined) return;
  throw alreadyExists(`The Server Certificate with name ${name} already exists.`);
}

const uploadServerCertificate = operation<
  Parsed<Sdk.UploadServerCertificateRequest>,
  Sdk.UploadServerCertificateResponse
>({
  permissions: (input, call) => {
    const made = { name: input.ServerCertificateName, path: input.Path };
    const tags = requestTagKeys(input.Tags);
    return [
      permissionToMake(call, 'server-certificate', 'UploadServerCertificate', made, tags),
      ...(input.Tags?.length ? [permissionToMake(call, 'server-certificate', 'TagServerCertificate', made, tags)] : []),
    ];
  },
  handle: (input, call) => {
    const tags = mergeTags(call.world, [], checkTags(input.Tags, 'exact'), 'exact');
    const name = input.ServerCertificateName;
    const path = input.Path ?? '/';
    checkFree(call, name);
    const limit = call.world.quotas.ServerCertificatesPerAccount;
    if (call.world.table(serverCertificates).count(call.account) >= limit) {
      throw quotaExceeded('ServerCertificatesPerAccount', limit);
    }
    const { CertificateBody: body, PrivateKey: privateKey, CertificateChain: chain } = input;
    const parsed = checkKeyMaterial({ body, privateKey, chain }, call.clock.now());
    const certificate: ServerCertificate = {
      name,
      path,
      id: uniqueId(call.random, 'ASCA'),
      arn: arnOf(call, 'server-certificate', path, name),
      body: tidyPem(body),
      ...(chain === undefined ? {} : { chain: tidyPem(chain) }),
      uploadedAt: call.clock.now(),
      expiresAt: parsed.validToDate.getTime(),
      tags,
    };
    save(serverCertificateNoun, call, certificate);
    return { ServerCertificateMetadata: metadata(certificate), ...(tags.length > 0 ? { Tags: [...tags] } : {}) };
  },
});

const getServerCertificate = operation<Parsed<Sdk.GetServerCertificateRequest>, Sdk.GetServerCertificateResponse>({
  permissions: (input, call) => [
    permissionOn(serverCertificateNoun, call, 'GetServerCertificate', input.ServerCertificateName),
  ],
  handle: (input, call) => {
    const certificate = need(serverCertificateNoun, call, input.ServerCertificateName);
    return {
      ServerCertificate: {
        ServerCertificateMetadata: metadata(certificate),
        CertificateBody: certificate.body,
        ...(certificate.chain === undefined ? {} : { CertificateChain: certificate.chain }),
        Tags: [...certificate.tags],
      },
    };
  },
});

const listServerCertificates = operation<Parsed<Sdk.ListServerCertificatesRequest>, Sdk.ListServerCertificatesResponse>(
  {
    permissions: (input, call) => [
      permissionOnKind(call, 'server-certificate', 'ListServerCertificates', input.PathPrefix),
    ],
    handle: (input, call) => {
      const rows = call.world.table(serverCertificates).list(call.account, afterMarker(input.Marker));
      const { items, ...page } = pageOf(rows, input, (certificate) =>
        certificate.path.startsWith(input.PathPrefix ?? '/') ? metadata(certificate) : undefined,
      );
      return { ServerCertificateMetadataList: [...items], ...page };
    },
  },
);

const updateServerCertificate = operation<Parsed<Sdk.UpdateServerCertificateRequest>, void>({
  permissions: (input, call) => {
    const { ServerCertificateName: name, NewServerCertificateName: newName, NewPath: newPath } = input;
    const path = newPath ?? find(serverCertificateNoun, call, name)?.path;
    return [
      permissionOn(serverCertificateNoun, call, 'UpdateServerCertificate', name),
      ...(newName === undefined && newPath === undefined
        ? []
        : [permissionToMake(call, 'server-certificate', 'UpdateServerCertificate', { name: newName ?? name, path })]),
    ];
  },
  handle: (input, call) => {
    const certificate = need(serverCertificateNoun, call, input.ServerCertificateName);
    const name = input.NewServerCertificateName ?? certificate.name;
    const path = input.NewPath ?? certificate.path;
    if (rowId(name) !== rowId(certificate.name)) {
      checkFree(call, name);
      call.world.table(serverCertificates).delete(call.account, rowId(certificate.name));
    }
    const arn = arnOf(call, 'server-certificate', path, name);
    save(serverCertificateNoun, call, { ...certificate, name, path, arn });
  },
});

const deleteServerCertificate = operation<Parsed<Sdk.DeleteServerCertificateRequest>, void>({
  permissions: (input, call) => [
    permissionOn(serverCertificateNoun, call, 'DeleteServerCertificate', input.ServerCertificateName),
  ],
  handle: (input, call) => {
    const { name } = need(serverCertificateNoun, call, input.ServerCertificateName);
    call.world.table(serverCertificates).delete(call.account, rowId(name));
  },
});

export const serverCertificateOperations = {
  UploadServerCertificate: uploadServerCertificate,
  GetServerCertificate: getServerCertificate,
  ListServerCertificates: listServerCertificates,
  UpdateServerCertificate: updateServerCertificate,
  DeleteServerCertificate: deleteServerCertificate,
};
