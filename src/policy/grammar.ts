// The grammar of policy documents: JSON nodes in, a plain document and every problem with its place out.
// Sources: IAM user guide, "Grammar of the IAM JSON policy language" and the element pages; Organizations
// user guide, "SCP syntax" and "RCP syntax".
import type { ConditionSource } from './conditions.ts';
import type { JsonNode } from './json-text.ts';
import { readOperator } from './operators.ts';
import type { PrincipalSource } from './principals.ts';
import type { DocumentKind, PolicyRule } from './problems.ts';
import { actionFault, principalFault, resourceFault, type Fault } from './elements.ts';
import { isSavableDate } from './values.ts';

export type PolicyVersion = '2008-10-17' | '2012-10-17';

/** `Action` or `NotAction`, `Resource` or `NotResource`: the list, and whether it is inverted. */
export interface ListSource {
  readonly not: boolean;
  readonly values: readonly string[];
}

export interface StatementSource {
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  readonly principal: { readonly not: boolean; readonly who: PrincipalSource } | undefined;
  readonly action: ListSource;
  readonly resource: ListSource | undefined;
  readonly conditions: readonly ConditionSource[];
}

export interface DocumentSource {
  readonly version: PolicyVersion;
  readonly id: string | undefined;
  readonly statements: readonly StatementSource[];
}

/** A broken rule at an offset of the text. */
export interface GrammarProblem {
  readonly rule: PolicyRule;
  readonly message: string;
  readonly at: number;
  readonly path: string;
  /** AWS's text where it quotes the value; otherwise the rule's text counts. */
  readonly awsMessage?: string | undefined;
}

type Members = ReadonlyMap<string, JsonNode>;

const topElements = new Set(['Version', 'Id', 'Statement']);
const statementElements = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);
type PrincipalType = keyof PrincipalSource;

const principalTypes: readonly PrincipalType[] = ['AWS', 'Service', 'Federated', 'CanonicalUser'];
const everyone: PrincipalSource = { AWS: ['*'], Service: [], Federated: [], CanonicalUser: [] };

export class DocumentReader {
  readonly problems: GrammarProblem[] = [];
  readonly #kind: DocumentKind;
  readonly #managed: boolean;
  readonly #sids = new Set<string>();

  constructor(kind: DocumentKind, managed = false) {
    this.#kind = kind;
    this.#managed = managed;
  }

  /** The document as far as it can be read; it may be used only when there are no `problems`. */
  read(root: JsonNode): DocumentSource {
    const members = this.#members(root, '$', topElements) ?? new Map<string, JsonNode>();
    const statement = members.get('Statement');
    const nodes = statement === undefined ? [] : statement.type === 'array' ? statement.items : [statement];
    if (nodes.length === 0) this.#report('statement', 'the policy has no statement', statement ?? root, '$.Statement');
    const statements = nodes
      .map((node, index) => this.#statement(node, `$.Statement${statement!.type === 'array' ? `[${index}]` : ''}`))
      .filter((found) => found !== undefined);
    return { version: this.#version(members.get('Version'), root), id: this.#id(members.get('Id')), statements };
  }

  #report(rule: PolicyRule, message: string, node: { at: number }, path: string, awsMessage?: string): void {
    this.problems.push({ rule, message, at: node.at, path, awsMessage });
  }

  #fault(fault: Fault | undefined, node: JsonNode, path: string): void {
    if (fault !== undefined) this.#report(fault.rule, fault.message, node, path, fault.awsMessage);
  }

  #members(node: JsonNode, path: string, known?: ReadonlySet<string>): Members | undefined {
    if (node.type !== 'object') {
      this.#report('structure', `${nameOf(path)} is ${aOf(node)} where an object was expected`, node, path);
      return undefined;
    }
    const members = new Map<string, JsonNode>();
    for (const { name, nameAt, value } of node.members) {
      const place = `${path}.${name}`;
      if (members.has(name)) {
        this.#report('duplicate-element', `\`${name}\` is given twice`, { at: nameAt }, place);
      } else if (known !== undefined && !known.has(name)) {
        this.#report('unknown-element', `there is no element \`${name}\` here`, { at: nameAt }, place);
      }
      members.set(name, value);
    }
    return members;
  }

  #version(node: JsonNode | undefined, root: JsonNode): PolicyVersion {
    const isOld = node === undefined || (node.type === 'string' && node.value === '2008-10-17');
    if (isOld && this.#managed) {
      this.#report('old-version', 'a managed policy has not the version `2012-10-17`', node ?? root, '$.Version');
    }
    if (node === undefined) return '2008-10-17';
    if (node.type === 'string' && (node.value === '2012-10-17' || node.value === '2008-10-17')) return node.value;
    this.#report('version', 'the version is neither `2012-10-17` nor `2008-10-17`', node, '$.Version');
    return '2012-10-17';
  }

  #id(node: JsonNode | undefined): string | undefined {
    if (node === undefined) return undefined;
    // Only resource policies have use for it, but IAM saves it in any policy.
    if (node.type === 'string') return node.value;
    this.#report('structure', '`Id` is not text', node, '$.Id');
    return undefined;
  }

  #statement(node: JsonNode, path: string): StatementSource | undefined {
    const members = this.#members(node, path, statementElements);
    if (members === undefined) return undefined;
    const source: StatementSource = {
      sid: this.#sid(members.get('Sid'), `${path}.Sid`),
      effect: this.#effect(members.get('Effect'), node, `${path}.Effect`),
      principal: this.#principal(members, node, path),
      action: this.#list(members, 'Action', node, path) ?? { not: false, values: [] },
      resource: this.#resource(members, node, path),
      conditions: this.#conditions(members.get('Condition'), `${path}.Condition`),
    };
    if (this.#kind === 'rcp') this.#checkRcp(source, node, path);
    return source;
  }

  #sid(node: JsonNode | undefined, path: string): string | undefined {
    if (node === undefined) return undefined;
    if (node.type !== 'string') {
      this.#report('structure', '`Sid` is not text', node, path);
      return undefined;
    }
    const sid = node.value;
    // Services other than IAM allow more characters in the Sid of their resource policies.
    if (this.#kind !== 'resource' && !/^[A-Za-z0-9]*$/.test(sid)) {
      this.#report('sid', `the Sid \`${sid}\` has characters other than letters and digits`, node, path);
    }
    if (sid !== '' && this.#sids.has(sid))
      this.#report('sid-unique', `two statements have the Sid \`${sid}\``, node, path);
    this.#sids.add(sid);
    return sid === '' ? undefined : sid;
  }

  #effect(node: JsonNode | undefined, statement: JsonNode, path: string): 'Allow' | 'Deny' {
    if (node === undefined) this.#report('effect-missing', 'the statement has no `Effect`', statement, path);
    else if (node.type !== 'string') this.#report('effect', '`Effect` is not text', node, path);
    else if (node.value === 'Allow' || node.value === 'Deny') return node.value;
    else if (/^(?:allow|deny)$/i.test(node.value) && (this.#kind === 'identity' || this.#kind === 'session')) {
      this.#report('effect-case', `the effect \`${node.value}\` is not written as \`Allow\` or \`Deny\``, node, path);
    } else {
      const said = this.#kind === 'trust' ? `Invalid effect: ${node.value}` : undefined;
      this.#report('effect', `the effect \`${node.value}\` is neither \`Allow\` nor \`Deny\``, node, path, said);
    }
    return 'Deny';
  }

  /** The one of `name` and `Not${name}` that the statement has; the texts of it, checked one by one. */
  #list(members: Members, name: 'Action' | 'Resource', statement: JsonNode, path: string): ListSource | undefined {
    const [plain, inverted] = [members.get(name), members.get(`Not${name}`)];
    const rule = name === 'Action' ? 'action-missing' : 'resource-missing';
    if (plain !== undefined && inverted !== undefined) {
      this.#report('both', `the statement has both \`${name}\` and \`Not${name}\``, inverted, `${path}.Not${name}`);
    }
    const node = plain ?? inverted;
    if (node === undefined) {
      this.#report(rule, `the statement has neither \`${name}\` nor \`Not${name}\``, statement, `${path}.${name}`);
      return undefined;
    }
    const place = `${path}.${plain === undefined ? 'Not' : ''}${name}`;
    const values = this.#texts(node, place, (text, at, where) => {
      const fault = name === 'Action' ? actionFault(text, this.#kind) : resourceFault(text, this.#kind);
      this.#fault(fault, at, where);
    });
    if (node.type === 'array' && node.items.length === 0) {
      this.#report(rule, `\`${plain === undefined ? 'Not' : ''}${name}\` is an empty list`, node, place);
    }
    return { not: plain === undefined, values };
  }

  #resource(members: Members, statement: JsonNode, path: string): ListSource | undefined {
    if (this.#kind !== 'trust') return this.#list(members, 'Resource', statement, path);
    for (const [name, rule] of [
      ['Resource', 'resource-forbidden'],
      ['NotResource', 'not-resource-forbidden'],
    ] as const) {
      const node = members.get(name);
      if (node !== undefined) this.#report(rule, `a trust policy has no \`${name}\``, node, `${path}.${name}`);
    }
    return undefined;
  }

  #principal(members: Members, statement: JsonNode, path: string): StatementSource['principal'] {
    const [plain, inverted] = [members.get('Principal'), members.get('NotPrincipal')];
    const node = plain ?? inverted;
    const name = plain === undefined ? 'NotPrincipal' : 'Principal';
    const place = `${path}.${name}`;
    if (this.#kind === 'identity' || this.#kind === 'session' || this.#kind === 'scp') {
      if (node !== undefined)
        this.#report('principal-forbidden', `\`${name}\` stands in a policy of this kind`, node, place);
      return undefined;
    }
    if (node === undefined) {
      this.#report('principal-missing', 'the statement has no `Principal`', statement, `${path}.Principal`);
      return undefined;
    }
    if (plain !== undefined && inverted !== undefined) {
      this.#report('both', 'the statement has both `Principal` and `NotPrincipal`', inverted, `${path}.NotPrincipal`);
    }
    if (name === 'NotPrincipal' && this.#kind === 'trust') {
      const effect = members.get('Effect');
      const allow = effect?.type === 'string' && effect.value === 'Allow';
      this.#report(
        allow ? 'allow-not-principal' : 'not-principal',
        'a trust policy has no `NotPrincipal`',
        node,
        place,
      );
    }
    return { not: plain === undefined, who: this.#who(node, place) };
  }

  #who(node: JsonNode, path: string): PrincipalSource {
    if (node.type === 'string' && node.value === '*') return everyone;
    if (node.type === 'string') {
      const said = this.#kind === 'trust' ? 'Principal must be a JSON object.' : undefined;
      this.#report('principal', `\`${node.value}\` stands alone, without the type of the principal`, node, path, said);
      return everyone;
    }
    const members = this.#members(node, path);
    if (members?.size === 0) this.#report('principal-empty', 'the principal is empty', node, path);
    const who: Record<PrincipalType, readonly string[]> = { ...everyone, AWS: [] };
    for (const [type, value] of members ?? []) {
      const place = `${path}.${type}`;
      // "For example, Amazon S3 lets you specify a canonical user ID": who assumes roles has none.
      if (!isPrincipalType(type) || (type === 'CanonicalUser' && this.#kind === 'trust')) {
        const said = this.#kind === 'trust' ? `Invalid principal in policy: "${type}"` : undefined;
        this.#report('principal', `there is no principal type \`${type}\``, value, place, said);
        continue;
      }
      if (value.type === 'array' && value.items.length === 0) {
        this.#report('principal-empty', `\`${type}\` is an empty list`, value, place);
      }
      who[type] = this.#texts(value, place, (text, at, where) =>
        this.#fault(principalFault(type, text, this.#kind), at, where),
      );
    }
    return who;
  }

  #conditions(node: JsonNode | undefined, path: string): readonly ConditionSource[] {
    if (node === undefined) return [];
    const found: ConditionSource[] = [];
    for (const [operator, block] of this.#members(node, path) ?? []) {
      const place = `${path}.${operator}`;
      const keys = this.#members(block, place) ?? new Map<string, JsonNode>();
      const known = readOperator(operator);
      // AWS lets an unknown operator with an empty block pass, and so an emptied template saves.
      if (known === undefined && keys.size > 0) {
        this.#report('operator', `there is no condition operator \`${operator}\``, block, place);
      }
      for (const [key, value] of keys) {
        const values = this.#values(value, `${place}.${key}`, known?.name.startsWith('Date') === true);
        if (known !== undefined) found.push({ operator, key, values });
      }
    }
    return found;
  }

  #values(node: JsonNode, path: string, dates: boolean): readonly string[] {
    const items = node.type === 'array' ? node.items : [node];
    return items.flatMap((item, index) => {
      const place = node.type === 'array' ? `${path}[${index}]` : path;
      const text = scalarText(item);
      if (text === undefined) {
        this.#report('structure', `a condition value is ${aOf(item)} where text was expected`, item, place);
        return [];
      }
      if (dates && !isSavableDate(text)) this.#report('date', `\`${text}\` is not a date`, item, place);
      return [text];
    });
  }

  #texts(node: JsonNode, path: string, check: (text: string, at: JsonNode, path: string) => void): readonly string[] {
    const items = node.type === 'array' ? node.items : [node];
    return items.flatMap((item, index) => {
      const place = node.type === 'array' ? `${path}[${index}]` : path;
      // AWS saves a list with `null` in it, as templates leave behind, and passes over the `null`.
      if (item.type === 'null' && node.type === 'array' && path.endsWith('Resource')) return [];
      if (item.type !== 'string') {
        this.#report('structure', `${nameOf(path)} holds ${aOf(item)} where text was expected`, item, place);
        return [];
      }
      check(item.value, item, place);
      return [item.value];
    });
  }

  /** Customers' RCPs only deny, to everyone, and name their service; only RCPFullAWSAccess allows. */
  #checkRcp(statement: StatementSource, node: JsonNode, path: string): void {
    const { effect, principal, action, resource, conditions } = statement;
    const everything = action.values.includes('*');
    const fullAccess =
      everything && !action.not && resource?.not === false && resource.values.includes('*') && conditions.length === 0;
    const report = (message: string): void => this.#report('organization', message, node, path);
    if (principal?.not === true) report('a resource control policy has no `NotPrincipal`');
    else if (principal !== undefined && principal.who.AWS.join() !== '*') report('the principal is not `*`');
    if (action.not) report('a resource control policy has no `NotAction`');
    if (effect === 'Allow' && !fullAccess) report('a resource control policy does not allow');
    if (effect === 'Deny' && everything) report('the action `*` names no service');
  }
}

const isPrincipalType = (name: string): name is PrincipalType => principalTypes.some((known) => known === name);

function scalarText(node: JsonNode): string | undefined {
  if (node.type === 'string') return node.value;
  if (node.type === 'number') return node.text;
  return node.type === 'boolean' ? String(node.value) : undefined;
}

function nameOf(path: string): string {
  return path === '$' ? 'the policy' : `\`${path.slice(path.lastIndexOf('.') + 1)}\``;
}

function aOf(node: JsonNode): string {
  return {
    object: 'an object',
    array: 'a list',
    string: 'text',
    number: 'a number',
    boolean: 'a boolean',
    null: 'null',
  }[node.type];
}
