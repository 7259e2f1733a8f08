// Writes docs/definition.md, the reference of a definition, from its JSON Schema: a section for every kind of map,
// a row for every name in it. With `--check` it writes nothing and fails when the page is not fresh.
import { readFileSync, writeFileSync } from 'node:fs';

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

interface Section {
  readonly title: string;
  readonly schema: Schema;
}

const file = 'docs/definition.md';
const schema = JSON.parse(readFileSync('docs/schema/stint.schema.json', 'utf8')) as Schema;

const intro = `# The definition

Generated from the [JSON Schema](schema/stint.schema.json) that also judges it; an editor that reads the line
\`# yaml-language-server: $schema=…/stint.schema.json\` completes and checks while you type. \`stint.config.yaml\`, \`.json\` and \`.ts\` hold the same names.
Names of other things of the definition are checked too, without regard to case where AWS has none. A name marked \\* must be there.
Everywhere \`\${var.NAME}\` is put in before anything is judged.
`;

const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');

/** Collects the sections in the order in which a reader meets them; one schema has one section. */
class Page {
  readonly #sections: Section[] = [];
  readonly #titles = new Map<string, string>();

  constructor(root: Schema) {
    this.#add('The whole', root);
  }

  #add(title: string, it: Schema): string {
    const { description: _, ...shape } = it;
    const key = JSON.stringify(shape.properties);
    const known = this.#titles.get(key);
    if (known !== undefined) return known;
    this.#titles.set(key, title);
    this.#sections.push({ title, schema: it });
    return title;
  }

  /** What the reader may write, in words; maps get sections of their own. */
  form(path: string, it: Schema): string {
    const choices = it.anyOf ?? it.oneOf;
    if (choices !== undefined) {
      return [...new Set(choices.map((choice) => this.form(path, choice)))].join(' or ');
    }
    if (it.const !== undefined) return `\`${JSON.stringify(it.const)}\``;
    if (it.enum !== undefined) return it.enum.map((value) => `\`${String(value)}\``).join(', ');
    if (it.type === 'array') return `list of ${this.form(path, it.items ?? {})}`;
    if (it.type === 'object') return this.#mapForm(path, it);
    if (it.type === 'string') return 'text';
    if (it.type === 'boolean') return '`true` or `false`';
    if (it.type === 'integer' || it.type === 'number') return rangeText(it);
    return 'anything';
  }

  #mapForm(path: string, it: Schema): string {
    const inline = inlineForm(it);
    if (inline !== undefined) return inline;
    if (it.properties !== undefined && Object.keys(it.properties).length > 0) {
      const title = this.#add(path, it);
      return `[${title}](#${anchorOf(title)})`;
    }
    const values = it.additionalProperties;
    if (typeof values !== 'object' || Object.keys(values).length === 0) return 'map';
    return `map of names to ${this.form(`${path}.NAME`, values)}`;
  }

  text(): string {
    const parts: string[] = [intro];
    // Sections are added while rows are written.
    for (let index = 0; index < this.#sections.length; index++) parts.push(this.#section(this.#sections[index]!));
    return parts.join('\n');
  }

  #section({ title, schema: it }: Section): string {
    const rows = Object.entries(it.properties ?? {}).map(([name, value]) => {
      const path = title === 'The whole' ? name : `${title}.${name}`;
      const star = it.required?.includes(name) === true ? ' \\*' : '';
      return `| \`${name}\`${star} | ${this.form(path, value)} | ${cell(value.description ?? '')} |`;
    });
    const about = it.description === undefined ? '' : `${it.description}\n\n`;
    return `## ${title}\n\n${about}| Name | Form | Meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
  }
}

/** A switch that is thrown with a reason, and the like, is told where it stands. */
function inlineForm({ properties = {}, required = [] }: Schema): string | undefined {
  const names = Object.keys(properties);
  if (names.length !== 2 || names.length !== required.length || !('off' in properties)) return undefined;
  return '`{ off: true, reason }`';
}

function rangeText({ minimum, maximum }: Schema): string {
  return minimum === undefined || maximum === undefined || maximum > 1e9 ? 'number' : `${minimum} to ${maximum}`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const text = new Page(schema).text();
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error(`${file} is not fresh: run \`npm run generate:docs\``);
  process.exitCode = 1;
}
