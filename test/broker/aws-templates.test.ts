import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { systemRandom, type Random } from '../../src/base/index.ts';
import { readTemplate, TemplateError } from '../../src/broker/engines/aws/template/template.ts';

interface Case {
  readonly template: string;
  readonly text?: string;
  readonly error?: string;
}

const { cases } = JSON.parse(readFileSync(new URL('../cases/broker/templates.json', import.meta.url), 'utf8')) as {
  cases: readonly Case[];
};

const zeros: Random = { bytes: (length) => new Uint8Array(length) };
const now = Date.UTC(2026, 10, 8, 15, 4, 5, 678);

function apply(template: string, random = zeros): string {
  const data = { Type: 'IAM', DisplayName: 'token-ci', PolicyName: 'deploy' };
  return readTemplate(template, 'aws.UsernameMetadata').apply(data, { now, random });
}

describe('a template gives what Go gives', () => {
  test(`in ${cases.length} cases, texts and errors alike`, () => {
    for (const { template, text, error } of cases) {
      if (error === undefined) assert.equal(apply(template), text, template);
      else assert.throws(() => apply(template), { name: 'TemplateError', message: error }, template);
    }
  });

  test('whatever it is, nothing but a text or a template error comes out', () => {
    const parts = [
      '{{',
      '}}',
      '.Type',
      '|',
      '(',
      ')',
      '"',
      '`',
      "'",
      'if',
      'end',
      'else',
      'range',
      '$x',
      ':=',
      ' ',
      '-',
    ];
    const words = [
      ...parts,
      'printf',
      'truncate',
      'random',
      '9',
      '1e9',
      '\\',
      '%',
      '/*',
      '*/',
      'é',
      '\n',
      'with',
      'slice',
    ];
    for (let round = 0; round < 5000; round++) {
      const template = Array.from(systemRandom.bytes(12), (byte) => words[byte % words.length]).join(byteSpace(round));
      try {
        assert.equal(typeof apply(template, systemRandom), 'string');
      } catch (error) {
        assert.ok(error instanceof TemplateError, `${template}: ${String(error)}`);
        assert.match(error.message, /^template: template:\d+:/);
      }
    }
  });
});

function byteSpace(round: number): string {
  return round % 2 === 0 ? ' ' : '';
}

describe('a template cannot tie up the server', () => {
  for (const [name, template, error] of [
    ['a long template', 'x'.repeat(9000), 'longer than 8192 bytes'],
    ['a long random text', '{{ random 999999999 }}', 'longer than 16384 bytes'],
    ['a wide field', '{{ printf "%999999d" 1 }}', 'longer than 16384 bytes'],
    ['text that grows by replacing', `{{ replace "" "${'x'.repeat(999)}" "${'y'.repeat(99)}" }}`, 'longer than 16384'],
    ['a loop without end', '{{ range 1000000000 }}{{ end }}', 'more than 10000 steps'],
    ['loops in loops', '{{ range 1000 }}{{ range 1000 }}{{ . }}{{ end }}{{ end }}', /more than 10000 steps|longer/],
    ['output that piles up', `{{ range 9999 }}${'x'.repeat(100)}{{ end }}`, 'longer than 16384 bytes'],
    ['nesting without end', `{{ ${'('.repeat(3000)}1${')'.repeat(3000)} }}`, 'nested deeper than 100'],
  ] as const) {
    test(name, () => {
      const pattern = typeof error === 'string' ? new RegExp(error) : error;
      assert.throws(() => apply(template), { name: 'TemplateError', message: pattern });
    });
  }
});
