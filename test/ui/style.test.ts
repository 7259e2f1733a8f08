// The colours of the page, light and dark: every text keeps the contrast of 4.5 to its ground that WCAG 2.2 (1.4.3) asks for.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const css = readFileSync(new URL('../../ui/style.css', import.meta.url), 'utf8');
const [light, dark] = [...css.matchAll(/:root \{([^}]*)\}/g)].map(
  ([, body]) => new Map([...body!.matchAll(/--([\w-]+): (#\w+);/g)].map(([, name, colour]) => [name!, colour!])),
);

/** Relative luminance, WCAG 2.2. */
function luminance(colour: string): number {
  const digits = colour.slice(1).replace(/^(.)(.)(.)$/, '$1$1$2$2$3$3');
  const [red, green, blue] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(digits.slice(at, at + 2), 16) / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

const pairs: readonly (readonly [text: string, ground: string])[] = [
  ...['text', 'soft', 'accent', 'bad'].flatMap((text) => [[text, 'ground'] as const, [text, 'raised'] as const]),
  ['on-accent', 'accent'],
  ['bad', 'bad-ground'],
  ['busy', 'busy-ground'],
  ['good', 'good-ground'],
  // The lines around fields and buttons, of which WCAG asks 3.
  ['soft', 'ground'],
  // The hint of a refusal.
  ['soft', 'bad-ground'],
];

for (const [scheme, colours] of [
  ['light', light!],
  ['dark', dark!],
] as const) {
  for (const [text, ground] of pairs) {
    test(`${text} on ${ground} can be read, ${scheme}`, () => {
      const ratio = contrast(colours.get(text)!, colours.get(ground)!);
      assert.ok(ratio >= 4.5, ratio.toFixed(2));
    });
  }
}

test('dark and light have the same colours to choose from', () => {
  assert.deepEqual([...dark!.keys()], [...light!.keys()]);
  assert.ok(light!.size > 10);
});
