// Addresses of callers, and the blocks of addresses (CIDR, RFC 4632) a token or secret may be bound to.
import { BlockList, isIP, isIPv4 } from 'node:net';

/** `10.0.0.0/8` or a single address in the form it is kept in; undefined for anything else. */
export function cidrOf(text: string): string | undefined {
  const match = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text.trim());
  const address = match?.[1];
  if (address === undefined || isIP(address) === 0) return undefined;
  const longest = isIPv4(address) ? 32 : 128;
  const bits = match?.[2] === undefined ? longest : Number(match[2]);
  if (bits > longest) return undefined;
  return bits === longest ? address : `${address}/${bits}`;
}

/** True when `address` lies in one of the blocks, which are texts of `cidrOf`. An IPv4 address mapped into IPv6 counts as itself. */
export function addressIsIn(address: string, blocks: readonly string[]): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (isIP(plain) === 0) return false;
  const list = new BlockList();
  for (const block of blocks) {
    const [base, bits] = block.split('/');
    const family = isIPv4(base!) ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(base!, family);
    else list.addSubnet(base!, Number(bits), family);
  }
  return list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
}

/** Whether each of `blocks` lies within one of `outer`; a text that is no block lies nowhere. */
export function areWithin(blocks: readonly string[], outer: readonly string[]): boolean {
  const bitsOf = (block: string): number => {
    const [base, bits] = block.split('/');
    return bits === undefined ? (isIPv4(base!) ? 32 : 128) : Number(bits);
  };
  const around = outer.filter((block) => cidrOf(block) !== undefined);
  return blocks.every((block) => {
    if (cidrOf(block) === undefined) return false;
    return around.some((one) => bitsOf(one) <= bitsOf(block) && addressIsIn(block.split('/')[0]!, [one]));
  });
}
