// Who is calling and whether they may: the token and ACL checks of the pipeline, over the stored
// tokens and policies.
import type { Secret } from '../base/index.ts';
import { capabilitiesOn, decideAccess, defaultRules, type PathRule } from './acl.ts';
import type { Call } from './call.ts';
import { brokerFailure } from './failures.ts';
import type { Token } from './model.ts';
import type { Policies } from './policies.ts';
import type { Tokens } from './tokens.ts';

// Vault's text, with which its clients recognise the refusal.
const denied = '1 error occurred:\n\t* permission denied\n\n';

export class Access {
  readonly #tokens: Tokens;
  readonly #policies: Policies;

  constructor(tokens: Tokens, policies: Policies) {
    this.#tokens = tokens;
    this.#policies = policies;
  }

  /**
   * @throws Failure `permission-denied` when the token is missing, unknown, has ended or is bound to
   *   other addresses; which of them is not told.
   */
  async checkToken(id: Secret | undefined, address: string): Promise<Token> {
    const token = await this.tokenOf(id, address);
    if (token !== undefined) return token;
    throw brokerFailure('permission-denied', 'permission denied', {
      hint: 'send a token that lives in `X-Vault-Token`; `stint login` stores one',
    });
  }

  /** The token with this id, or undefined; takes a use. */
  async tokenOf(id: Secret | undefined, address: string): Promise<Token | undefined> {
    return id === undefined ? undefined : this.#tokens.use(id.reveal(), address);
  }

  /** @throws Failure `permission-denied` naming the rule that decided and who could change it. */
  async checkAcl(call: Call, sudo: boolean): Promise<void> {
    const { operation, path } = call;
    const policies = call.token?.policies ?? [];
    const decision = decideAccess(policies, await this.#rulesOf(policies), { operation, path, sudo });
    if (decision.allowed) return;
    const rule =
      decision.decidedBy === undefined
        ? `no rule of policies ${policies.join(', ')} covers this path`
        : `the rule \`${decision.decidedBy}\` of policies ${policies.join(', ')} does not allow it`;
    const needed = sudo ? `\`${operation}\` and \`sudo\`` : `\`${operation}\``;
    throw brokerFailure('permission-denied', denied, {
      hint: `${rule}: ask whoever writes policies for ${needed} on \`${path}\``,
    });
  }

  async capabilities(token: Token, path: string): Promise<readonly string[]> {
    return capabilitiesOn(token.policies, await this.#rulesOf(token.policies), path);
  }

  /** True when the token's policies allow something on the mount's path or below it. */
  async mayTouch(token: Token, mountPath: string): Promise<boolean> {
    if (token.policies.includes('root')) return true;
    const rules = await this.#rulesOf(token.policies);
    return rules.some(({ path, capabilities }) => {
      const plain = path.replace(/[*+].*$/, '');
      const reaches = plain.startsWith(`${mountPath}/`) || (plain !== path && `${mountPath}/`.startsWith(plain));
      return reaches && !capabilities.includes('deny');
    });
  }

  async #rulesOf(policies: readonly string[]): Promise<readonly PathRule[]> {
    const rules = await Promise.all(
      policies.filter((name) => name !== 'root').map(async (name) => this.#policies.rules(name)),
    );
    return policies.includes('default') && !(await this.#policies.exists('default'))
      ? [...rules.flat(), ...defaultRules]
      : rules.flat();
  }
}
