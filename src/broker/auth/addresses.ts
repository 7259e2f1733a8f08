// Blocks of addresses that a login or a token is bound to: reading, printing and matching them, as
// Vault does (`go-sockaddr`, `sdk/helper/cidrutil`).
import { BlockList, isIP } from 'node:net';

interface Block {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** An address, or a block of them with its prefix length; undefined for anything else. */
function parseBlock(text: string): Block | undefined {
  const [address = '', length, ...rest] = text.trim().split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return undefined;
  const longest = version === 4 ? 32 : 128;
  const prefix = length === undefined ? longest : prefixOf(length, longest);
  return prefix === undefined ? undefined : { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

function prefixOf(text: string, longest: number): number | undefined {
  const prefix = /^\d{1,3}$/.test(text) ? Number(text) : longest + 1;
  return prefix <= longest ? prefix : undefined;
}

/** `10.0.0.1/32` is printed as `10.0.0.1`, every other block as it was given; undefined when it is none. */
export function normalBlock(text: string): string | undefined {
  const block = parseBlock(text);
  if (block === undefined) return undefined;
  const longest = block.family === 'ipv4' ? 32 : 128;
  return block.prefix === longest ? block.address : `${block.address}/${block.prefix}`;
}

/** True of a block written with its prefix length, which is what `secret_id_bound_cidrs` and its like ask for. */
export function isCidr(text: string): boolean {
  return text.includes('/') && parseBlock(text) !== undefined;
}

/** Whether `address` lies in one of `blocks`. An address or block that cannot be read lies nowhere. */
export function inBlocks(address: string, blocks: readonly string[]): boolean {
  const parsed = parseBlock(plainAddress(address));
  if (parsed === undefined) return false;
  return blocks.some((text) => {
    const block = parseBlock(text);
    return block !== undefined && holds(block, parsed.address, parsed.family);
  });
}

/** Whether each of `blocks` lies within one of `outer`. */
export function areWithin(blocks: readonly string[], outer: readonly string[]): boolean {
  return blocks.every((text) => {
    const block = parseBlock(text);
    if (block === undefined) return false;
    return outer.some((around) => {
      const larger = parseBlock(around);
      return larger !== undefined && larger.prefix <= block.prefix && holds(larger, block.address, block.family);
    });
  });
}

function holds(block: Block, address: string, family: 'ipv4' | 'ipv6'): boolean {
  if (block.family !== family) return false;
  const list = new BlockList();
  list.addSubnet(block.address, block.prefix, block.family);
  return list.check(address, family);
}

/** A dual-stack socket shows IPv4 callers as `::ffff:127.0.0.1`. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
