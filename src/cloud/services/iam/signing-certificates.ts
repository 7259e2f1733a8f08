// X.509 signing certificates of users, and of the root user when it asks for its own.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSigningCertificate.html
import type * as Sdk from '@aws-sdk/client-iam';
import { createHash } from 'node:crypto';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { malformedCertificate, parseCertificate } from './certificate-text.ts';
import {
  ownerPrefix,
  settableStatus,
  signingCertificateIds,
  signingCertificates,
  type SigningCertificate,
} from './credential-model.ts';
import { idsUnder } from './entities.ts';
import { noSuchEntity, quotaExceeded } from './failures.ts';
import { base32Encoded } from './ids.ts';
import type { User } from './model.ts';
import { ownerOf, permissionOnOwner } from './owners.ts';
import { afterMarker, pageOf } from './page.ts';
import type { Parsed } from './shapes.ts';

/** @throws NoSuchEntity */
function needCertificate(call: Call, owner: User | undefined, id: string): SigningCertificate {
  const certificate = call.world.table(signingCertificates).get(call.account, ownerPrefix(owner) + id);
  if (certificate === undefined) throw noSuchEntity(`The Certificate with id ${id} cannot be found.`);
  return certificate;
}

function save(call: Call, owner: User | undefined, certificate: SigningCertificate): void {
  call.world.table(signingCertificates).put(call.account, ownerPrefix(owner) + certificate.id, certificate);
}

function shape(owner: User | undefined, certificate: SigningCertificate): Sdk.SigningCertificate {
  return {
    UserName: owner?.name,
    CertificateId: certificate.id,
    CertificateBody: certificate.body,
    Status: certificate.status,
    UploadDate: new Date(certificate.uploadedAt),
  };
}

/** The id of a certificate says what it is: it is made of its bytes. @throws MalformedCertificate */
function checkedId(call: Call, body: string): string {
  const certificate = parseCertificate(body);
  const expired = certificate !== undefined && certificate.validToDate.getTime() < call.clock.now();
  if (certificate === undefined || expired) throw malformedCertificate(`Certificate ${body} is malformed.`);
  return base32Encoded(createHash('sha1').update(certificate.raw).digest());
}

const uploadSigningCertificate = operation<
  Parsed<Sdk.UploadSigningCertificateRequest>,
  Sdk.UploadSigningCertificateResponse
>({
  permissions: (input, call) => permissionOnOwner(input, call, 'UploadSigningCertificate'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    const id = checkedId(call, input.CertificateBody);
    const existing = [...idsUnder(call, signingCertificates, ownerPrefix(owner))].map(([, row]) => row);
    const known = existing.find((row) => row.id === id);
    // What the owner already has is given back, in appearance active; nothing changes.
    if (known !== undefined) return { Certificate: shape(owner, { ...known, status: 'Active' }) };
    const taken = call.world.table(signingCertificateIds);
    if (taken.get(call.account, id) !== undefined) {
      throw awsFailure('DuplicateCertificate', 'Duplicate certificate uploaded.');
    }
    const limit = call.world.quotas.SigningCertificatesPerUser;
    if (existing.length >= limit) throw quotaExceeded('CertificatesPerUser', limit);
    const certificate: SigningCertificate = {
      id,
      body: input.CertificateBody,
      status: 'Active',
      uploadedAt: call.clock.now(),
    };
    save(call, owner, certificate);
    taken.put(call.account, id, true);
    return { Certificate: shape(owner, certificate) };
  },
});

const listSigningCertificates = operation<
  Parsed<Sdk.ListSigningCertificatesRequest>,
  Sdk.ListSigningCertificatesResponse
>({
  permissions: (input, call) => permissionOnOwner(input, call, 'ListSigningCertificates'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    const rows = idsUnder(call, signingCertificates, ownerPrefix(owner), afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (certificate) => shape(owner, certificate));
    return { Certificates: [...items], ...page };
  },
});

const updateSigningCertificate = operation<Parsed<Sdk.UpdateSigningCertificateRequest>, void>({
  permissions: (input, call) => permissionOnOwner(input, call, 'UpdateSigningCertificate'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    const status = settableStatus(input.Status);
    save(call, owner, { ...needCertificate(call, owner, input.CertificateId), status });
  },
});

const deleteSigningCertificate = operation<Parsed<Sdk.DeleteSigningCertificateRequest>, void>({
  permissions: (input, call) => permissionOnOwner(input, call, 'DeleteSigningCertificate'),
  handle: (input, call) => {
    const owner = ownerOf(input, call);
    const { id } = needCertificate(call, owner, input.CertificateId);
    call.world.table(signingCertificates).delete(call.account, ownerPrefix(owner) + id);
    call.world.table(signingCertificateIds).delete(call.account, id);
  },
});

export const signingCertificateOperations = {
  UploadSigningCertificate: uploadSigningCertificate,
  ListSigningCertificates: listSigningCertificates,
  UpdateSigningCertificate: updateSigningCertificate,
  DeleteSigningCertificate: deleteSigningCertificate,
};
