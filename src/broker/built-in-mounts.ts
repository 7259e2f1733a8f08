// The mounts that are always there. They have a row in the table like any other, with an accessor and a
// tuning of their own, but are served by the broker itself.
import type { MountConfig } from './model.ts';

export interface BuiltIn {
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly config: Partial<MountConfig>;
  readonly local: boolean;
  readonly sealWrap: boolean;
}

/** As Vault describes them. */
export const builtInMounts: readonly BuiltIn[] = [
  {
    path: 'sys',
    type: 'system',
    description: 'system endpoints used for control, policy and debugging',
    config: { passthroughRequestHeaders: ['Accept'] },
    local: false,
    sealWrap: true,
  },
  {
    path: 'identity',
    type: 'identity',
    description: 'identity store',
    config: { passthroughRequestHeaders: ['Authorization'] },
    local: false,
    sealWrap: false,
  },
  {
    path: 'cubbyhole',
    type: 'cubbyhole',
    description: 'per-token private secret storage',
    config: {},
    local: true,
    sealWrap: false,
  },
  {
    path: 'auth/token',
    type: 'token',
    description: 'token based credentials',
    config: {},
    local: false,
    sealWrap: false,
  },
];

export function isBuiltIn(path: string): boolean {
  return builtInMounts.some((mount) => mount.path === path);
}
