// Everything that can be mounted.
import { systemClock, type AdjustableClock, type Random } from '../base/index.ts';
import { AppRole } from './auth/approle/approle.ts';
import { AwsMethod } from './auth/aws/aws.ts';
import { JwtMethod } from './auth/jwt/jwt.ts';
import { Userpass } from './auth/userpass.ts';
import type { Catalog } from './backends.ts';
import { AwsEngine } from './engines/aws/engine.ts';
import type { AwsWatch } from './engines/aws/watch.ts';

export interface CatalogParts {
  readonly clock: AdjustableClock;
  readonly random: Random;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Hears of every call of AWS. */
  readonly watchAws?: AwsWatch;
}

/** The engines and auth methods of this server. */
export function catalogOf({ clock, random, environment, watchAws }: CatalogParts): Catalog {
  return {
    engines: [new AwsEngine({ clock, random, environment, watch: watchAws })],
    methods: [
      new Userpass({ clock, random }),
      new AppRole({ clock, random }),
      new AwsMethod({ clock, random }),
      new JwtMethod('jwt', { clock, wall: systemClock, random }),
      new JwtMethod('oidc', { clock, wall: systemClock, random }),
    ],
  };
}
