// Counters, gauges and histograms in Prometheus's text format. Our own hundred lines: a library would bring a
// registry of the whole process, which tests and embedded servers would share.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format

type Labels = Readonly<Record<string, string>>;

/** Label sets of one metric at most; what comes beyond is counted under `other`, so that memory stays bounded. */
const maxSeries = 2000;

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Values without buckets. */
  samples(): readonly Sample[];
  lines(): readonly string[];
}

/** One value in the shape that Vault's `sys/metrics` has. */
interface Shown {
  readonly [name: string]: string | number | Labels;
  readonly Name: string;
  readonly Labels: Labels;
}

export class Registry {
  readonly #families: Family[] = [];

  counter(name: string, help: string): Counter {
    return this.#add(new Counter(name, help));
  }

  /** A value that is asked for when it is read. */
  gauge(name: string, help: string, read: () => readonly Sample[]): void {
    const lines = (): readonly string[] => read().map(({ labels = {}, value }) => line(name, labels, value));
    this.#add({ name, help, type: 'gauge', samples: read, lines });
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.#add(new Histogram(name, help, bounds));
  }

  text(): string {
    const parts = this.#families.flatMap((family) => [
      `# HELP ${family.name} ${family.help}`,
      `# TYPE ${family.name} ${family.type}`,
      ...family.lines(),
    ]);
    return `${parts.join('\n')}\n`;
  }

  /** Gauges and counters as Vault's `sys/metrics` shows them without a format. */
  summary(): { readonly Gauges: readonly Shown[]; readonly Counters: readonly Shown[] } {
    const shown = (type: Family['type'], value: 'Value' | 'Count'): readonly Shown[] =>
      this.#families
        .filter((family) => family.type === type)
        .flatMap((family) =>
          family.samples().map((sample) => ({ Name: family.name, [value]: sample.value, Labels: sample.labels ?? {} })),
        );
    return { Gauges: shown('gauge', 'Value'), Counters: shown('counter', 'Count') };
  }

  #add<T extends Family>(family: T): T {
    this.#families.push(family);
    return family;
  }
}

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export class Counter implements Family {
  readonly type = 'counter';
  readonly name: string;
  readonly help: string;
  readonly #values = new Map<string, Sample & { value: number }>();

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  add(labels: Labels = {}, by = 1): void {
    const found = seriesOf(this.#values, labels, (kept) => ({ labels: kept, value: 0 }));
    found.value += by;
  }

  /** Everything counted so far. */
  samples(): readonly Sample[] {
    return [...this.#values.values()];
  }

  lines(): readonly string[] {
    const samples = this.samples();
    if (samples.length === 0) return [line(this.name, {}, 0)];
    return samples.map(({ labels = {}, value }) => line(this.name, labels, value));
  }
}

interface Buckets {
  readonly labels: Labels;
  readonly counts: number[];
  sum: number;
  count: number;
}

export class Histogram implements Family {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly bounds: readonly number[];
  readonly #values = new Map<string, Buckets>();

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.bounds = bounds;
  }

  observe(labels: Labels, value: number): void {
    const found = seriesOf(this.#values, labels, (kept) => ({
      labels: kept,
      counts: this.bounds.map(() => 0),
      sum: 0,
      count: 0,
    }));
    const at = this.bounds.findIndex((bound) => value <= bound);
    if (at >= 0) found.counts[at]!++;
    found.sum += value;
    found.count++;
  }

  samples(): readonly Sample[] {
    return [];
  }

  lines(): readonly string[] {
    return [...this.#values.values()].flatMap(({ labels, counts, sum, count }) => {
      let below = 0;
      const buckets = this.bounds.map((bound, index) => {
        below += counts[index]!;
        return line(`${this.name}_bucket`, { ...labels, le: String(bound) }, below);
      });
      return [
        ...buckets,
        line(`${this.name}_bucket`, { ...labels, le: '+Inf' }, count),
        line(`${this.name}_sum`, labels, sum),
        line(`${this.name}_count`, labels, count),
      ];
    });
  }
}

function seriesOf<T>(values: Map<string, T>, labels: Labels, fresh: (labels: Labels) => T): T {
  const key = Object.values(labels).join('\0');
  const found = values.get(key);
  if (found !== undefined) return found;
  const kept =
    values.size < maxSeries ? labels : Object.fromEntries(Object.keys(labels).map((name) => [name, 'other']));
  const made = values.size < maxSeries ? fresh(kept) : (values.get(Object.values(kept).join('\0')) ?? fresh(kept));
  values.set(Object.values(kept).join('\0'), made);
  return made;
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
