// An AWS that costs next to nothing, so that what is measured is the server in front of it: answers the calls that
// lending and ending make, verifies no signature, keeps of each user just what makes those answers true. A process of
// its own: `node bench/canned-aws.ts [--latency MS]` prints its address.
import { createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { randomText, systemRandom } from '../src/base/index.ts';

const { values } = parseArgs({ options: { latency: { type: 'string', default: '0' } } });
const latency = Number(values.latency);

interface User {
  readonly tags: string;
  readonly keys: Set<string>;
  readonly attached: Set<string>;
  readonly inline: Set<string>;
}

const users = new Map<string, User>();
/** Keys that were made and deleted. */
const dead = new Set<string>();
let calls = 0;

type Form = Readonly<Record<string, string | undefined>>;

const iam = 'https://iam.amazonaws.com/doc/2010-05-08/';
const sts = 'https://sts.amazonaws.com/doc/2011-06-15/';

function answer(action: string, result: string, space = iam): string {
  const id = '01234567-89ab-cdef-0123-456789abcdef';
  return `<${action}Response xmlns="${space}"><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>${id}</RequestId></ResponseMetadata></${action}Response>`;
}

class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  constructor(status: number, code: string) {
    super(`canned ${code}`);
    this.code = code;
    this.status = status;
  }
}

function userOf({ UserName = '' }: Form): User {
  const user = users.get(UserName);
  if (user === undefined) throw new Refusal(404, 'NoSuchEntity');
  return user;
}

function described(name: string, { tags }: User): string {
  return `<User><Path>/</Path><UserName>${name}</UserName><UserId>AIDA0123456789ABCDEFG</UserId><Arn>arn:aws:iam::111122223333:user/${name}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>${tags}</User>`;
}

function members(list: Iterable<string>, show: (item: string) => string): string {
  return [...list].map((item) => `<member>${show(item)}</member>`).join('');
}

function tagsOf(form: Form): string {
  const tags: string[] = [];
  for (let n = 1; form[`Tags.member.${n}.Key`] !== undefined; n++) {
    tags.push(
      `<member><Key>${form[`Tags.member.${n}.Key`]}</Key><Value>${form[`Tags.member.${n}.Value`]}</Value></member>`,
    );
  }
  return `<Tags>${tags.join('')}</Tags>`;
}

const expiration = new Date(Date.now() + 12 * 3_600_000).toISOString().replace(/\.\d+/, '');
const token = 'IQoJb3JpZ2luX2VjEEXAMPLE'.repeat(20);

function temporary(): string {
  return `<Credentials><AccessKeyId>ASIA${randomText(systemRandom, 16)}</AccessKeyId><SecretAccessKey>${randomText(systemRandom, 40)}</SecretAccessKey><SessionToken>${token}</SessionToken><Expiration>${expiration}</Expiration></Credentials>`;
}

const none = (name: string): string => `<${name}/><IsTruncated>false</IsTruncated>`;

const actions: Readonly<Record<string, (form: Form) => string>> = {
  GetCallerIdentity: () =>
    '<Arn>arn:aws:iam::111122223333:user/root-key</Arn><UserId>AIDA0</UserId><Account>111122223333</Account>',
  AssumeRole: ({ RoleSessionName = '' }) =>
    `${temporary()}<AssumedRoleUser><AssumedRoleId>AROA0:${RoleSessionName}</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/r/${RoleSessionName}</Arn></AssumedRoleUser>`,
  CreateUser: (form) => {
    const user: User = { tags: tagsOf(form), keys: new Set(), attached: new Set(), inline: new Set() };
    users.set(form['UserName'] ?? '', user);
    return described(form['UserName'] ?? '', user);
  },
  GetUser: (form) => described(form['UserName'] ?? '', userOf(form)),
  TagUser: () => '',
  PutUserPolicy: (form) => (userOf(form).inline.add(form['PolicyName'] ?? ''), ''),
  AttachUserPolicy: (form) => (userOf(form).attached.add(form['PolicyArn'] ?? ''), ''),
  CreateAccessKey: (form) => {
    const id = `AKIA${randomText(systemRandom, 16)}`;
    userOf(form).keys.add(id);
    return `<AccessKey><UserName>${form['UserName']}</UserName><AccessKeyId>${id}</AccessKeyId><Status>Active</Status><SecretAccessKey>${randomText(systemRandom, 40)}</SecretAccessKey><CreateDate>2026-01-01T00:00:00Z</CreateDate></AccessKey>`;
  },
  ListAccessKeys: (form) =>
    `<AccessKeyMetadata>${members(userOf(form).keys, (id) => `<UserName>${form['UserName']}</UserName><AccessKeyId>${id}</AccessKeyId><Status>Active</Status><CreateDate>2026-01-01T00:00:00Z</CreateDate>`)}</AccessKeyMetadata><IsTruncated>false</IsTruncated>`,
  DeleteAccessKey: (form) => {
    const { AccessKeyId = '' } = form;
    userOf(form).keys.delete(AccessKeyId);
    dead.add(AccessKeyId);
    return '';
  },
  ListAttachedUserPolicies: (form) =>
    `<AttachedPolicies>${members(userOf(form).attached, (arn) => `<PolicyArn>${arn}</PolicyArn><PolicyName>p</PolicyName>`)}</AttachedPolicies><IsTruncated>false</IsTruncated>`,
  DetachUserPolicy: (form) => (userOf(form).attached.delete(form['PolicyArn'] ?? ''), ''),
  ListUserPolicies: (form) =>
    `<PolicyNames>${members(userOf(form).inline, (name) => name)}</PolicyNames><IsTruncated>false</IsTruncated>`,
  DeleteUserPolicy: (form) => (userOf(form).inline.delete(form['PolicyName'] ?? ''), ''),
  ListGroupsForUser: () => none('Groups'),
  ListMFADevices: () => none('MFADevices'),
  ListSSHPublicKeys: () => none('SSHPublicKeys'),
  ListSigningCertificates: () => none('Certificates'),
  ListServiceSpecificCredentials: () => none('ServiceSpecificCredentials'),
  DeleteLoginProfile: () => {
    throw new Refusal(404, 'NoSuchEntity');
  },
  DeleteUser: (form) => {
    for (const key of userOf(form).keys) dead.add(key);
    users.delete(form['UserName'] ?? '');
    return '';
  },
};

function respond(head: string, body: string): { status: number; xml: string } {
  const form = Object.fromEntries(new URLSearchParams(body)) as Form;
  const action = form['Action'] ?? '';
  try {
    calls++;
    const key = /Credential=([^/]+)\//.exec(head)?.[1] ?? '';
    if (dead.has(key)) throw new Refusal(403, 'InvalidClientTokenId');
    if (!Object.hasOwn(actions, action)) throw new Refusal(400, 'InvalidAction');
    const space = action === 'AssumeRole' || action === 'GetCallerIdentity' ? sts : iam;
    return { status: 200, xml: answer(action, actions[action]!(form), space) };
  } catch (error) {
    const { status, code, message } = error as Refusal;
    const xml = `<ErrorResponse xmlns="${iam}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>0</RequestId></ErrorResponse>`;
    return { status, xml };
  }
}

function reply(socket: Socket, head: string, body: string): void {
  const { status, xml } = head.startsWith('GET /calls') ? { status: 200, xml: String(calls) } : respond(head, body);
  const write = (): boolean =>
    socket.write(
      `HTTP/1.1 ${status} OK\r\nContent-Type: text/xml\r\nContent-Length: ${Buffer.byteLength(xml)}\r\n\r\n${xml}`,
    );
  if (latency === 0) write();
  else setTimeout(write, latency);
}

function serve(socket: Socket): void {
  let held = '';
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    held += chunk.toString('latin1');
    for (;;) {
      const end = held.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = held.slice(0, end);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (held.length < end + 4 + length) return;
      reply(socket, head, held.slice(end + 4, end + 4 + length));
      held = held.slice(end + 4 + length);
    }
  });
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  console.log(JSON.stringify({ endpoint: `http://127.0.0.1:${port}` }));
});
