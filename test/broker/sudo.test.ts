// Which paths only `sudo` opens: Vault's list, against the table of routes.
// Source: OpenBao internal/vault/logical_system.go and token_store.go (PathsSpecial.Root).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from '../../src/broker/routes/table.ts';

/** A `*` at the end is any rest, also none. */
const sudoPaths = [
  'sys/auth/*',
  'sys/remount',
  'sys/audit',
  'sys/audit/*',
  'sys/raw',
  'sys/raw/*',
  'sys/rotate',
  'sys/rotate/keyring',
  'sys/rotate/root',
  'sys/config/cors',
  'sys/config/auditing/*',
  'sys/config/ui/headers/*',
  'sys/plugins/catalog/*',
  'sys/revoke-prefix/*',
  'sys/revoke-force/*',
  'sys/leases/revoke-prefix/*',
  'sys/leases/revoke-force/*',
  'sys/leases/lookup/*',
  'sys/leases',
  'sys/internal/inspect/*',
  'auth/token/accessors',
  // Asked for where they are served: internal/vault/core.go, sealInitCommon and StepDown.
  'sys/seal',
  'sys/step-down',
];
function needsSudo(path: string): boolean {
  return sudoPaths.some((one) => (one.endsWith('*') ? path.startsWith(one.slice(0, -1)) : path === one));
}

for (const [name, { operations, pattern, checks }] of Object.entries(routes)) {
  const [, , , , acl, sudo] = checks;
  if (!acl || !/^(?:sys|auth)\//.test(pattern)) continue;
  test(`${name}: sudo as Vault asks for it`, () => {
    // A list is asked for with a closing slash.
    const path = pattern.replaceAll(/:\w+\*?/g, 'x') + (operations.join() === 'list' ? '/' : '');
    assert.equal(sudo, needsSudo(path) || needsSudo(path.replace(/\/$/, '')), path);
  });
}
