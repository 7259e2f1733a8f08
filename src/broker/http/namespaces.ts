// The header `X-Vault-Namespace`: there is one namespace here, the root.
import { brokerFailure } from '../failures.ts';

/** Paths that Vault serves outside of every namespace: a header is refused on them, also one that names the root. */
const withoutNamespace =
  /^sys\/(?:init|seal|step-down|unseal|health|raw|rekey|rekey-recovery-key|storage|generate-root|generate-recovery-token|metrics|pprof|in-flight-req)(?:\/|$)/;
/** Served to everybody whatever namespace is named. */
const anyNamespace = new Set(['sys/seal-status', 'sys/leader']);

/**
 * Refuses a call into a namespace there is not.
 * @throws Failure `bad-request`, `not-found` in Vault's words.
 */
export function checkNamespace(namespace: string, path: string): void {
  if (withoutNamespace.test(path)) {
    throw brokerFailure('bad-request', 'operation unavailable in namespaces', {
      hint: 'leave `X-Vault-Namespace` out',
    });
  }
  const name = namespace.replace(/^\/+|\/+$/g, '');
  if (name === '' || name === 'root' || anyNamespace.has(path)) return;
  throw brokerFailure('not-found', 'namespace not found', {
    hint: 'this server has no namespaces: leave `X-Vault-Namespace` out',
  });
}
