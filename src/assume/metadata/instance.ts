// The instance metadata service, version 2 only: a token first, then the pages that SDKs ask for.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
import { isoSeconds, type Clock, type Millis, type Random } from '../../base/index.ts';
import {
  isSession,
  json,
  keyMembers,
  noSession,
  text,
  type Answer,
  type Question,
  type Responder,
  type Subject,
} from './answer.ts';
import { sameSecret } from './guard.ts';
import type { Peers } from './peer.ts';

const tokenHeader = 'x-aws-ec2-metadata-token';
const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds';
const longestTtl = 21_600;

export interface InstanceTools {
  readonly clock: Clock;
  readonly random: Random;
  /** Tells whether the process at the other end may be another user's. */
  readonly peers: Pick<Peers, 'isStranger'>;
}

/** Tokens carry their own end, sealed with a key of this server: none is kept, so nobody can fill the memory with them. */
class Tokens {
  readonly #tools: InstanceTools;
  readonly #key: Uint8Array;

  constructor(tools: InstanceTools) {
    this.#tools = tools;
    this.#key = tools.random.bytes(32);
  }

  issue(seconds: number): string {
    const end: Millis = this.#tools.clock.now() + seconds * 1000;
    const body = `${end.toString(36)}.${Buffer.from(this.#tools.random.bytes(9)).toString('base64url')}`;
    return `${body}.${this.#seal(body)}`;
  }

  /** Undefined for a token that is not of this server, or whose time is over. */
  secondsLeft(token: string): number | undefined {
    const cut = token.lastIndexOf('.');
    const body = token.slice(0, Math.max(cut, 0));
    if (!sameSecret(token.slice(cut + 1), this.#seal(body))) return undefined;
    const left = parseInt(body, 36) - this.#tools.clock.now();
    return left > 0 ? Math.ceil(left / 1000) : undefined;
  }

  #seal(body: string): string {
    return process.getBuiltinModule('node:crypto').createHmac('sha256', this.#key).update(body).digest('base64url');
  }
}

/** A page is a text, a JSON value that is made when asked for, or a folder of pages. */
type Page = string | (() => Promise<Answer>) | { readonly [name: string]: Page };

/** Listed one name a line, folders with a slash, as EC2 does. */
function listing(folder: Readonly<Record<string, Page>>): string {
  return Object.entries(folder)
    .map(([name, page]) => (typeof page === 'object' ? `${name}/` : name))
    .join('\n');
}

/** The instance that the child seems to run on. Nothing in it but the role and the region is true of this machine. */
function pagesOf({ role, account: id, region, keeper }: Subject, tools: InstanceTools): Readonly<Record<string, Page>> {
  const hex = (length: number): string => Buffer.from(tools.random.bytes(length)).toString('hex');
  const [instanceId, started] = [`i-${hex(9).slice(0, 17)}`, isoSeconds(tools.clock.now())];
  const name = role?.name.split('/').at(-1) ?? 'stint';
  const account = id === undefined ? {} : { AccountId: id };
  const credentials = async (): Promise<Answer> => {
    const found = await keeper.current();
    if (!isSession(found)) return noSession(found);
    const about = { Code: 'Success', LastUpdated: isoSeconds(found.updated), Type: 'AWS-HMAC' };
    return json(200, { ...about, ...keyMembers(found), ...account });
  };
  const info = async (): Promise<Answer> => {
    const found = await keeper.current();
    if (!isSession(found)) return noSession(found);
    return json(200, {
      Code: 'Success',
      LastUpdated: isoSeconds(found.updated),
      InstanceProfileArn: `arn:${role?.partition ?? 'aws'}:iam::${id ?? '000000000000'}:instance-profile/${name}`,
      InstanceProfileId: 'AIPASTINT0000METADATA',
    });
  };
  const zone = region === undefined ? undefined : `${region}a`;
  const document = async (): Promise<Answer> =>
    json(200, {
      accountId: id ?? null,
      architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
      availabilityZone: zone ?? null,
      billingProducts: null,
      devpayProductCodes: null,
      imageId: 'ami-00000000000000000',
      instanceId,
      instanceType: 't3.micro',
      kernelId: null,
      marketplaceProductCodes: null,
      pendingTime: started,
      privateIp: '127.0.0.1',
      ramdiskId: null,
      region: region ?? null,
      version: '2017-09-30',
    });
  const placement: Readonly<Record<string, Page>> =
    region === undefined || zone === undefined ? {} : { 'availability-zone': zone, region };
  return {
    dynamic: { 'instance-identity': { document } },
    'meta-data': {
      'ami-id': 'ami-00000000000000000',
      iam: { info, 'security-credentials': { [name]: credentials } },
      'instance-id': instanceId,
      'instance-type': 't3.micro',
      'local-ipv4': '127.0.0.1',
      ...(region === undefined ? {} : { placement }),
      services: {
        domain: role?.partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com',
        partition: role?.partition ?? 'aws',
      },
    },
  };
}

function pageAt(root: Readonly<Record<string, Page>>, path: readonly string[]): Page | undefined {
  let page: Page = root;
  for (const name of path) {
    if (typeof page !== 'object' || !Object.hasOwn(page, name)) return undefined;
    page = page[name]!;
  }
  return page;
}

/** Answers the processes of this user that ask for a token first. */
export function instanceResponder(subject: Subject, tools: InstanceTools): Responder {
  const tokens = new Tokens(tools);
  const pages = pagesOf(subject, tools);

  function issue({ headers, peerPort }: Question, port: number): Answer {
    // SECURITY: whoever gets a token gets the keys, and everybody on the machine can reach the port.
    if (tools.peers.isStranger(peerPort, port)) return text(403, 'Forbidden: the process is of another user');
    const wanted = headers[ttlHeader];
    const seconds = typeof wanted === 'string' && /^\d{1,5}$/.test(wanted) ? Number(wanted) : 0;
    if (seconds < 1 || seconds > longestTtl) return text(400, `Bad Request: ${ttlHeader} is 1 to ${longestTtl}`);
    // Go's SDK takes no token without the header.
    return text(200, tokens.issue(seconds), { [ttlHeader]: String(seconds) });
  }

  async function content(path: readonly string[]): Promise<Answer> {
    const [version, ...rest] = path;
    if (version === undefined) return text(200, 'latest');
    const page = version === 'latest' ? pageAt(pages, rest) : undefined;
    if (page === undefined) return text(404, 'Not Found');
    if (typeof page === 'function') return page();
    return text(200, typeof page === 'string' ? page : listing(page));
  }

  return {
    variables: (port) => ({
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}/`,
      AWS_EC2_METADATA_V1_DISABLED: 'true',
    }),
    async answer(question, port) {
      const { method, path, headers } = question;
      const asksToken = path.join('/') === 'latest/api/token';
      if (asksToken && method === 'PUT') return issue(question, port);
      if (asksToken || (method !== 'GET' && method !== 'HEAD')) return text(405, 'Method Not Allowed');
      const token = headers[tokenHeader];
      const left = typeof token === 'string' ? tokens.secondsLeft(token) : undefined;
      // 401 is what makes SDKs fetch a token; it is also all that version 1 gets.
      if (left === undefined) return text(401, 'Unauthorized: version 2 asks for a token first');
      const found = await content(path);
      return { ...found, headers: { ...found.headers, [ttlHeader]: String(left) } };
    },
  };
}
