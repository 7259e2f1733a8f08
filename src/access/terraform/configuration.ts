// What the configuration in a plan tells beside the values: which provider a resource uses, which account that
// provider enters, and what an attribute refers to whose value is not known yet.
import { isObject } from '../../base/index.ts';
import { withoutKeys } from './resource.ts';
import { listIn, objectIn, textIn, textsIn } from './values.ts';

export interface Configuration {
  /** Key of the provider that the resource at that config address uses: `aws.dev`. */
  providerOf(configAddress: string): string | undefined;
  /** Account ids by provider key, where the configuration names them. */
  readonly accounts: ReadonlyMap<string, string>;
  /** Managed resources that the attribute refers to, by full address without the module keys. */
  referencesOf(configAddress: string, attribute: string): readonly Reference[];
  /** Whether the configuration says anything of the attribute. */
  says(configAddress: string, attribute: string): boolean;
}

/** `aws_iam_policy.p[0]` in the module at config address `module`. */
export interface Reference {
  readonly configAddress: string;
  /** `["x"]` or `[0]` as written, where one instance is meant. */
  readonly key?: string | undefined;
}

interface Module {
  readonly resources: ReadonlyMap<string, unknown>;
  readonly calls: Readonly<Record<string, unknown>>;
}

const inModule = (module: string, address: string): string => (module === '' ? address : `${module}.${address}`);

function collectModules(module: unknown, at: string, found: Map<string, Module>): void {
  const calls = objectIn(module, 'module_calls');
  const resources = listIn(module, 'resources').map((it) => [textIn(it, 'address') ?? '', it] as const);
  found.set(at, { resources: new Map(resources), calls });
  for (const [name, call] of Object.entries(calls)) {
    collectModules(objectIn(call, 'module'), inModule(at, `module.${name}`), found);
  }
}

/** A text that the expression gives: a constant, or a variable of the root module. */
function constantText(expression: unknown, variables: Readonly<Record<string, string>>): string | undefined {
  const constant = textIn(expression, 'constant_value');
  if (constant !== undefined) return constant;
  const [reference, ...more] = textsIn(expression, 'references');
  const name = /^var\.([\w-]+)$/.exec(reference ?? '')?.[1];
  return more.length === 0 && name !== undefined ? variables[name] : undefined;
}

function accountOfProvider(provider: unknown, variables: Readonly<Record<string, string>>): string | undefined {
  const expressions = objectIn(provider, 'expressions');
  const role = constantText(objectIn(listIn(expressions, 'assume_role')[0], 'role_arn'), variables);
  // An ARN as a whole, or the one variable in it that holds the id.
  const entered = /^(?:arn:[^:]+:iam::)?(\d{12})(?::role\/.*)?$/.exec(role ?? '')?.[1];
  if (entered !== undefined) return entered;
  const allowed = textsIn(objectIn(expressions, 'allowed_account_ids'), 'constant_value');
  return allowed.length === 1 ? allowed[0] : undefined;
}

/** `aws_iam_role.r["x"].arn` becomes the resource and its key; undefined for what is no managed resource. */
function asReference(module: string, text: string): Reference | undefined {
  const found = /^(aws_\w+\.[\w-]+)(\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?/.exec(text);
  if (found === null) return undefined;
  return { configAddress: inModule(module, found[1]!), ...(found[2] === undefined ? {} : { key: found[2] }) };
}

function splitAddress(configAddress: string): { module: string; address: string } {
  const module = /^(?:module\.[\w-]+\.)*/.exec(configAddress)![0];
  return { module: module.replace(/\.$/, ''), address: configAddress.slice(module.length) };
}

/** Follows references to variables of a module up to what its caller passes. Callers are finite, so this ends. */
function resolveTexts(modules: ReadonlyMap<string, Module>, module: string, texts: readonly string[]): Reference[] {
  return texts.flatMap((text): Reference[] => {
    const variable = /^var\.([\w-]+)/.exec(text)?.[1];
    if (variable === undefined || module === '') return [asReference(module, text) ?? []].flat();
    const { module: parent, name } = parentOf(module);
    const passed = objectIn(objectIn(modules.get(parent)?.calls, name), 'expressions')[variable];
    return resolveTexts(modules, parent, textsIn(passed, 'references'));
  });
}

function parentOf(module: string): { module: string; name: string } {
  const at = module.lastIndexOf('module.');
  return { module: module.slice(0, Math.max(0, at - 1)), name: module.slice(at + 'module.'.length) };
}

function expressionAt(resource: unknown, attribute: string): unknown {
  const expression = objectIn(resource, 'expressions')[attribute];
  return Array.isArray(expression) ? expression[0] : expression;
}

/** Reads the `configuration` of a plan; every answer is empty where there is none, as in a state. */
export function readConfiguration(configuration: unknown, variables: Readonly<Record<string, string>>): Configuration {
  const modules = new Map<string, Module>();
  if (isObject(configuration)) collectModules(objectIn(configuration, 'root_module'), '', modules);
  const providers = Object.entries(objectIn(configuration, 'provider_config'));
  const accounts = providers.flatMap(([key, provider]) => {
    const id = accountOfProvider(provider, variables);
    return id === undefined ? [] : [[key, id] as const];
  });
  const resourceAt = (configAddress: string): unknown => {
    const { module, address } = splitAddress(configAddress);
    return modules.get(module)?.resources.get(address);
  };
  return {
    accounts: new Map(accounts),
    says: (configAddress, attribute) => expressionAt(resourceAt(configAddress), attribute) !== undefined,
    providerOf: (configAddress) => textIn(resourceAt(configAddress), 'provider_config_key'),
    referencesOf: (configAddress, attribute) => {
      const texts = textsIn(expressionAt(resourceAt(configAddress), attribute), 'references');
      const found = resolveTexts(modules, splitAddress(configAddress).module, texts);
      // Terraform lists `r["x"].arn`, `r["x"]` and `r`: the first is the one that was written.
      const first = new Map<string, Reference>();
      for (const reference of found) {
        const key = withoutKeys(reference.configAddress);
        if (!first.has(key)) first.set(key, reference);
      }
      return [...first.values()];
    },
  };
}
