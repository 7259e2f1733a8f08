// Ids and ARNs of EC2: random for what is made, derived from account and region for what is always there.
import { createHash } from 'node:crypto';
import { randomText, type Random } from '../../../base/index.ts';
import type { Call } from '../../call.ts';

/** `i-0` and 16 hexadecimal digits: every id AWS gives today starts with a zero. */
export function newId(random: Random, prefix: string): string {
  return `${prefix}-0${randomText(random, 16, '0123456789abcdef')}`;
}

/** The id that the same words always give. */
export function derivedId(prefix: string, ...words: readonly string[]): string {
  return `${prefix}-0${createHash('sha256')
    .update([prefix, ...words].join('/'))
    .digest('hex')
    .slice(0, 16)}`;
}

export function ec2Arn(call: Pick<Call, 'partition' | 'region' | 'account'>, type: string, id: string): string {
  return `arn:${call.partition}:ec2:${call.region}:${call.account}:${type}/${id}`;
}

/** Resource types by the prefix of their ids, as ARNs and tag specifications name them. */
const types: Readonly<Record<string, string>> = {
  i: 'instance',
  vol: 'volume',
  eni: 'network-interface',
  vpc: 'vpc',
  subnet: 'subnet',
  sg: 'security-group',
  ami: 'image',
  igw: 'internet-gateway',
  acl: 'network-acl',
  rtb: 'route-table',
  lt: 'launch-template',
  key: 'key-pair',
  sgr: 'security-group-rule',
  snap: 'snapshot',
  dopt: 'dhcp-options',
};

/** `instance` for `i-0abc`; undefined for an id of no kind known here. */
export function typeOfId(id: string): string | undefined {
  return types[id.slice(0, id.lastIndexOf('-'))];
}
