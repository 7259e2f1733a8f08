// Whose address a request counts as: the peer's, or what a proxy says that the operator trusts.
import { BlockList, isIP, isIPv6 } from 'node:net';
import { brokerFailure } from '../failures.ts';

/** From the peer's address and the header `X-Forwarded-For` to the caller's address. */
export type ClientAddress = (peer: string, forwardedFor: string | readonly string[] | undefined) => string;

/**
 * Without trusted proxies the header is ignored: anybody can send it. With them, the last address in it that is no
 * trusted proxy is the caller's. @throws Failure `address-invalid` for what is no address and no network.
 */
export function clientAddress(trusted: readonly string[]): ClientAddress {
  if (trusted.length === 0) return plain;
  const proxies = new BlockList();
  for (const network of trusted) add(proxies, network);
  const isProxy = (address: string): boolean => proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  return (peer, forwardedFor) => {
    let address = plain(peer);
    const hops = [forwardedFor ?? []].flat().join(',').split(',');
    for (const hop of hops.reverse()) {
      if (!isProxy(address)) break;
      const next = bare(hop.trim());
      if (next === undefined) break;
      address = plain(next);
    }
    return address;
  };
}

/** IPv4 that comes over an IPv6 socket is IPv4. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Without port and brackets; undefined for what is no address. */
function bare(hop: string): string | undefined {
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
  return isIP(address) === 0 ? undefined : address;
}

function add(proxies: BlockList, network: string): void {
  const [address = '', bits] = network.split('/');
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  try {
    if (bits === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(bits), family);
  } catch (error) {
    throw brokerFailure('address-invalid', `\`${network}\` is not the network of a proxy`, {
      hint: 'write an address such as `10.0.0.7`, or a network such as `10.0.0.0/8`',
      cause: error,
    });
  }
}
