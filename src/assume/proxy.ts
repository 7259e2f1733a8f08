// The proxy variables, read as the AWS CLI reads them, in the words that Node's agents understand.
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-proxy.html
import { failure } from './failures.ts';
import type { Environment } from './model.ts';

/** Lower case first, as Node and curl take them. */
const proxyNames = { http: ['http_proxy', 'HTTP_PROXY'], https: ['https_proxy', 'HTTPS_PROXY'] } as const;
const exceptionNames = ['no_proxy', 'NO_PROXY'] as const;

function chosen(
  env: Environment,
  names: readonly string[],
): { readonly name: string; readonly value: string } | undefined {
  const name = names.find((each) => env[each]);
  return name === undefined ? undefined : { name, value: env[name]! };
}

/** `proxy:8080` is a proxy of http. */
function addressOf({ name, value }: { readonly name: string; readonly value: string }): string {
  const address = /^[a-z][\w+.-]*:\/\//i.test(value) ? value : `http://${value.replace(/^\/\//, '')}`;
  const url = URL.parse(address);
  if (url !== null && /^https?:$/.test(url.protocol)) return address;
  // SECURITY: not repeated, for it may hold a password.
  throw failure('setting-invalid', `${name} is not the address of a proxy that can be used`, {
    hint: 'write it like `http://proxy.example.com:8080`; of SOCKS proxies nothing is known here',
  });
}

/** `amazonaws.com` stands for the hosts below it as well. */
function exceptions(list: string): string {
  const entries = list.split(',').map((entry) => entry.trim());
  const below = entries.filter((entry) => /^[a-z\d-]+(?:\.[a-z\d-]+)*$/i.test(entry) && !/^[\d.]+$/.test(entry));
  return [...entries, ...below.map((entry) => `.${entry}`)].join(',');
}

/**
 * The proxy for addresses of that scheme, and what goes past it, as `proxyEnv` of Node's agents; undefined without one.
 * @throws Failure `setting-invalid` for what is no proxy: nobody who names one wants to go past it.
 */
export function proxyEnvironment(env: Environment, scheme: 'http' | 'https'): Record<string, string> | undefined {
  const proxy = chosen(env, proxyNames[scheme]);
  if (proxy === undefined) return undefined;
  const past = chosen(env, exceptionNames);
  return {
    [proxyNames[scheme][0]]: addressOf(proxy),
    ...(past === undefined ? {} : { no_proxy: exceptions(past.value) }),
  };
}
